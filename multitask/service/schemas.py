"""What do requests and responses look like? FastAPI writes OpenAPI from these."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from multitask.images.faces.parts import Faces

Box = Annotated[
    tuple[int, int, int, int],
    Field(description="left, top, right, bottom in pixels of the upright picture"),
]
Share = Annotated[float, Field(ge=0, le=1)]


class Parameters(BaseModel):
    """What is asked about the pictures of a request."""

    model_config = ConfigDict(extra="forbid")
    heads: list[str] = Field(
        [], description="heads to answer, by default all; also `age,gender`"
    )
    probabilities: bool = Field(False, description="add that of each class and label")
    faces: Faces = Field("auto", description="as `--faces` of the command `predict`")
    largest: bool = Field(False, description="only the largest face of each picture")


class FaceResponse(BaseModel):
    """The answers about one face, or about the whole picture if `box` is null."""

    box: Box | None
    confidence: Share | None = Field(
        description="how sure the detector is that it is a face; null if none looked"
    )
    warning: str | None = Field(
        description="`unlike the training pictures`, or null; null for all answers of "
        "a network that can't tell, as `warns` of /heads says"
    )
    answers: dict[str, str | int | float | None] = Field(
        description="by the columns that /heads lists, as `predict` names them"
    )


class PictureResponse(BaseModel):
    """One picture. Without answers, `status` says why, and `faces` is empty.

    If a head that is asked for gives no number for a face, its answers are null, and
    `status` says so.
    """

    name: str = Field(description="the file's name in the upload")
    status: str = Field(description="`ok`, `no face`, or why it can't be answered")
    width: int | None = Field(description="pixels of the upright picture")
    height: int | None
    faces: list[FaceResponse] = Field(description="the largest face first")


class Analysis(BaseModel):
    """The pictures of a request, in their order."""

    network: str
    pictures: list[PictureResponse]


class HeadResponse(BaseModel):
    """One question that the network answers."""

    name: str
    type: str = Field(description="class, labels (yes or no for each), or number")
    unit: str = Field(description="of a number; empty if it has none")
    classes: list[str]
    columns: list[str] = Field(description="of its answers")
    probabilities: dict[str, str] = Field(
        description="the column of the probability of each class or label"
    )


class LimitsResponse(BaseModel):
    """What a request may ask for."""

    max_bytes: int
    max_pixels: int
    max_pictures: int
    max_faces: int = Field(description="in one picture")


class HeadsResponse(BaseModel):
    """The network, its heads, and what one must know of its answers."""

    network: str
    detects: bool = Field(description="whether faces are looked for by default")
    warns: bool = Field(
        description="whether answers say what is unlike the training pictures"
    )
    heads: list[HeadResponse]
    notes: list[str] = Field(description="caveats about what it was trained on")
    caveats: list[str] = Field(description="the limits that its model card names")
    card: str = Field(description="its model card in Markdown; empty if it has none")
    request: LimitsResponse


class Health(BaseModel):
    """Whether requests are answered."""

    status: str
    version: str


class Problem(BaseModel):
    """Why a request is not answered, in one line."""

    detail: str
