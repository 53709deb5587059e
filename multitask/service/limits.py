"""How much may a request ask for, how much at once, and how long may it take?"""

from dataclasses import dataclass, fields

from multitask.contracts.errors import UserError
from multitask.contracts.settings import option, setting
from multitask.images.decode import MAX_PIXELS


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of the service.

    Raises UserError for a limit below 1, and for `max_pixels` beyond what multitask
    decodes at all.
    """

    max_bytes: int = setting("size", 32 * 1024**2, "bytes of one request")
    max_pixels: int = setting("size", 50_000_000, "pixels of one picture")
    max_pictures: int = setting("size", 32, "pictures in one request")
    queue: int = setting("load", 64, "requests in progress; further ones get 429")
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
