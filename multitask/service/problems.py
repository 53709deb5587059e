"""What is the one line of a request that gets no answer, whatever refuses it?"""

from collections import Counter
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from multitask.contracts.errors import UserError, nearest
from multitask.service.middleware import PATHS
from multitask.service.refusals import Refusal
from multitask.service.schemas import Parameters, Problem

_LONGEST = 100  # characters of what a request says that a line repeats
_STATUSES = {
    401: "the token is missing or wrong",
    403: "a page of another site asks",
    408: "the upload took too long",
    413: "too many bytes, pictures, pixels or faces",
    415: "the body is no form, or the first file is no picture of a known kind",
    421: "the host is none of this machine, and there is no token",
    422: "a parameter or field is wrong, or the first picture is damaged",
    429: "too many requests are in progress",
    503: "there was no answer in time",
}


def add_handlers(app: FastAPI) -> None:
    """Have the app answer with one line for whatever it refuses."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def descriptions(*statuses: int, token: bool) -> dict[int | str, dict[str, Any]]:
    """The refusals of an address for the OpenAPI page, with or without a token."""
    return {
        status: {"model": Problem, "description": _STATUSES[status]}
        for status in statuses
        if status != (421 if token else 401)  # which it never is
    }


def check_given_once(query: QueryParams) -> None:
    """Raise Refusal for a parameter that has two values, of which one would be lost."""
    counts = Counter(name for name, _ in query.multi_items() if name != "heads")
    for name, count in counts.items():
        if count > 1:
            what = f"is given {count} times, must be given once"
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, name, what)


def _problem(
    status: int, line: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    return JSONResponse({"detail": line}, status, headers)


async def _refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)
    return _problem(error.status, error.line, error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where, given = str(first["loc"][-1])[:_LONGEST], str(first.get("input"))[:_LONGEST]
    if first["type"] == "extra_forbidden":
        todo = nearest(where, Parameters.model_fields)
        mistake = UserError(where, "unknown parameter", todo)
    else:
        must = str(first["msg"]).removeprefix("Input should be ")
        must = "true or false" if first["type"] == "bool_parsing" else must
        mistake = UserError(where, f"is {given!r}, must be {must}")
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, mistake.line)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    path = request.url.path[:_LONGEST]
    mistake = UserError("request", str(error.detail))
    if error.status_code == HTTPStatus.NOT_FOUND:
        mistake = UserError(path, "there is no such address", nearest(path, PATHS))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = " or ".join(sorted(headers.get("Allow", "").split(", ")))
        what = f"does not take the method {request.method[:_LONGEST]}"
        mistake = UserError(path, what, f"use {allowed}")
    return _problem(error.status_code, mistake.line, headers)
