"""Which addresses does the service have, and what do they take and give?"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any, get_args

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse

from multitask.contracts.version import VERSION
from multitask.images.damage import Damaged, check_damaged
from multitask.images.faces.parts import Faces
from multitask.networks.analyzer import Analyzer
from multitask.service.access import SameSite, bearer
from multitask.service.limits import Limits
from multitask.service.middleware import Outermost
from multitask.service.page import Page
from multitask.service.predictor import Predictor
from multitask.service.problems import add_handlers, check_given_once, descriptions
from multitask.service.schemas import (
    Analysis,
    HeadResponse,
    HeadsResponse,
    Health,
    LimitsResponse,
    Parameters,
)
from multitask.service.service import Service
from multitask.service.uploads import FIELD

_KINDS = ("jpeg", "png", "webp", "gif", "bmp", "tiff", "avif")
_DESCRIPTION = """\
Send pictures to `/analyze`; the answers have the columns of the command `predict`, and
`/heads` says what each of them means. Pictures are kept in memory until they are
answered, and nowhere else. Every refusal is one line, `{"detail": "..."}`.
"""


def create_app(
    analyzer: Analyzer,
    *,
    name: str = "network",
    card: str = "",
    limits: Limits | None = None,
    token: str = "",
    hosts: Sequence[str] = (),
    damaged: Damaged = "skip",
) -> FastAPI:
    """An ASGI application that answers with a network.

    Clients see its `name` and its model card, which is Markdown. Uploads whose decoder
    reports damage are refused, unless `damaged` is `keep`.

    With a `token`, requests need the header `Authorization: Bearer TOKEN`, except those
    for the page, `/health` and `/openapi.json`. Without one, the header `Host` must
    name this machine (127.0.0.1, localhost or ::1) or one of `hosts`. Serve it with one
    process: pictures share batches inside of it.

    Raises UserError for another word for `damaged`.
    """
    check_damaged(damaged)
    predictor = Predictor(analyzer, name, card)
    service = Service(predictor, limits or Limits(), damaged)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title=f"multitask: {name}",
        version=VERSION,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # they load scripts from another server
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.add_middleware(SameSite, hosts=None if token else hosts)
    app.add_middleware(Outermost, metrics=service.metrics)
    add_handlers(app)
    access = [Depends(bearer(token))] if token else []
    _add_analyze(app, service, access)
    _add_others(app, service, access)
    _name_choices(app, service.predictor)
    return app


def _add_analyze(app: FastAPI, service: Service, access: Sequence[Any]) -> None:
    @app.post(
        "/analyze",
        dependencies=access,
        responses=descriptions(
            *(401, 403, 408, 413, 415, 421, 422, 429, 503), token=bool(access)
        ),
        openapi_extra={"requestBody": _body(service.limits)},
    )
    async def analyze(
        request: Request, parameters: Annotated[Parameters, Query()]
    ) -> Analysis:
        """Answer for one or many pictures: JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.

        Of an animated picture, the first frame is answered.

        If a picture of several can't be used, its `status` says why. If none can, the
        request is refused with the reason of the first.
        """
        check_given_once(request.query_params)
        pictures = await service.analyze(request, **dict(parameters))
        return Analysis(network=service.predictor.name, pictures=pictures)


def _add_others(app: FastAPI, service: Service, access: Sequence[Any]) -> None:
    page = Page()
    heads_response = _heads(service)
    common: dict[str, Any] = {
        "dependencies": access,
        "responses": descriptions(401, 403, 421, token=bool(access)),
    }

    @app.get("/heads", **common)
    async def heads() -> HeadsResponse:
        """What the network answers, and what one must know of its answers."""
        return heads_response

    @app.get("/health", responses=descriptions(403, 421, 503, token=bool(access)))
    async def health(response: Response) -> Health:
        """Whether requests are answered; no token is needed."""
        if not service.alive:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return Health(status="ok" if service.alive else "failed", version=VERSION)

    @app.get("/metrics", response_class=Response, **common)
    async def metrics() -> Response:
        """Counters in the text format of Prometheus."""
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return Response(service.metrics.text(), media_type=kind)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def show_page() -> HTMLResponse:
        return HTMLResponse(page.html, headers=page.headers)


def _name_choices(app: FastAPI, predictor: Predictor) -> None:
    """Have the OpenAPI page list the heads, and only what this network can do."""
    make_schema = app.openapi

    def openapi() -> dict[str, Any]:
        schema = make_schema()  # always the same one
        parameters = {
            one["name"]: one["schema"]
            for one in schema["paths"]["/analyze"]["post"]["parameters"]
        }
        heads = [one.head.name for one in predictor.heads]
        parameters["heads"]["items"]["enum"] = heads
        parameters["faces"]["enum"] = [
            one for one in get_args(Faces) if one != "detect" or predictor.detects
        ]
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _heads(service: Service) -> HeadsResponse:
    predictor, limits = service.predictor, service.limits
    return HeadsResponse(
        network=predictor.name,
        detects=predictor.detects,
        warns=predictor.warns,
        heads=[
            HeadResponse(
                name=one.head.name,
                type=one.head.answer_type,
                unit=one.head.unit,
                classes=list(one.head.classes),
                columns=list(one.answers),
                probabilities=one.probabilities,
            )
            for one in predictor.heads
        ],
        notes=list(predictor.analyzer.notes),
        caveats=predictor.caveats,
        card=predictor.card,
        request=LimitsResponse(
            max_bytes=limits.max_bytes,
            max_pixels=limits.max_pixels,
            max_pictures=limits.max_pictures,
            max_faces=limits.max_faces,
        ),
    )


def _body(limits: Limits) -> dict[str, Any]:
    """The body of `/analyze` for the OpenAPI page."""
    pictures = {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "minItems": 1,
        "maxItems": limits.max_pictures,
    }
    schema = {
        "type": "object",
        "properties": {FIELD: pictures},
        "required": [FIELD],
        "additionalProperties": False,
    }
    kinds = ", ".join(f"image/{kind}" for kind in _KINDS)
    form = {"schema": schema, "encoding": {FIELD: {"contentType": kinds}}}
    return {"required": True, "content": {"multipart/form-data": form}}
