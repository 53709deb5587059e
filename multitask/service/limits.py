"""How much may a request ask for, how much at once, and how long may it take?"""

from dataclasses import dataclass, fields

from multitask.contracts.errors import UserError
from multitask.contracts.settings import option, setting
from multitask.images.upright import MAX_PIXELS


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of the service.

    `max_bytes` counts bytes of a request's body, `max_pixels` width times height of a
    picture, `min_rate` bytes per second of an upload. Timeouts are in seconds; all
    others are numbers of pictures, faces, uploads or requests.

    Raises UserError for a limit below 1, and for `max_pixels` beyond what multitask
    decodes at all.
    """

    max_bytes: int = setting("size", 32 * 1024**2, "bytes of one request")
    max_pixels: int = setting("size", 50_000_000, "pixels of one picture")
    max_pictures: int = setting("size", 32, "pictures in one request")
    max_faces: int = setting("size", 200, "faces in one picture")
    queue: int = setting("load", 64, "requests being answered; further ones get 429")
    uploads: int = setting("load", 64, "uploads in progress; further ones get 429")
    client_uploads: int = setting("load", 32, "uploads in progress of one address")
    min_rate: int = setting("load", 10_000, "bytes per second of an upload")
    upload_timeout: int = setting("load", 60, "seconds that an upload may take")
    answer_timeout: int = setting("load", 60, "seconds to wait for the answers")

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 1:
                raise UserError(option(field.name), f"is {value}, must be 1 or more")
        if self.max_pixels >= MAX_PIXELS:
            what = f"is {self.max_pixels}, must be less than {MAX_PIXELS}"
            raise UserError("--max-pixels", what)
