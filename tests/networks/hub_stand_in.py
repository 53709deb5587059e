"""What stands in for `huggingface_hub` 2.4 in tests, without a network?"""

import hashlib
import types
from typing import Any

CONTENT, COMMIT = b"a network", "c0" * 20


class EntryNotFoundError(Exception):
    """The server has no such file."""


class LocalEntryNotFoundError(EntryNotFoundError):
    """The cache has no such file."""


class Hub(types.ModuleType):
    """A stand-in for `huggingface_hub`: one file, and a cache."""

    def __init__(self, cache):
        super().__init__("huggingface_hub")
        self.cache, self.online, self.sent, self.commit = cache, True, CONTENT, COMMIT
        self.asked = 0  # how often the server was
        self.etag = hashlib.sha256(CONTENT).hexdigest()
        names = ("GatedRepoError", "RepositoryNotFoundError", "RevisionNotFoundError",
                 "HFValidationError")  # fmt: skip
        self.errors: Any = types.ModuleType("huggingface_hub.errors")
        for name in names:
            setattr(self.errors, name, type(name, (Exception,), {}))
        for kind in (EntryNotFoundError, LocalEntryNotFoundError):
            setattr(self.errors, kind.__name__, kind)

    def hf_hub_url(self, repository, file, *, revision):
        return f"{repository}/{revision}/{file}"

    def get_hf_file_metadata(self, url):
        self.asked += 1
        if not self.online:
            raise ConnectionError("no route to host")
        if url != f"own/net/{self.commit}/network.keras" and "main" not in url:
            raise EntryNotFoundError
        return types.SimpleNamespace(commit_hash=self.commit, etag=self.etag)

    def hf_hub_download(self, repository, file, *, revision, local_files_only=False):
        if "--" in repository or ".." in repository:
            raise self.errors.HFValidationError("-- and .. are forbidden")
        blob = self.cache / "blobs" / self.etag
        link = self.cache / "snapshots" / COMMIT / file
        if local_files_only and not link.exists():
            raise LocalEntryNotFoundError("not in the cache")
        if not link.exists():
            for folder in (blob.parent, link.parent):
                folder.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(self.sent)
            link.symlink_to(blob)
        return str(link)
