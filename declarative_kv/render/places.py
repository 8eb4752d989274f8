"""Where a place in the YAML is for a reader who sees the whole repository, and not the folder that dkv ran in."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from urllib.parse import quote

from declarative_kv.model.diagnostic import Span


@dataclass(frozen=True, slots=True)
class Tree:
    """The repository's folder, and the folder that the names of files start from; absolute, with slashes."""

    root: str = "/"
    folder: str = "/"

    def path(self, file: str) -> str:
        """The file as the repository knows it; one that lies outside as it is, absolute."""
        whole = posixpath.normpath(posixpath.join(self.folder, file))
        inside = posixpath.relpath(whole, self.root)
        return whole if inside == ".." or inside.startswith("../") else inside

    def uri(self, file: str) -> str:
        """The same as a relative reference, or as a `file:` URI."""
        path = self.path(file)
        encoded = quote(path, safe="/", errors="surrogatepass")
        return f"file://{encoded}" if path.startswith("/") else encoded

    def line(self, span: Span) -> str:
        """`infra/dkv.yaml:40`."""
        return f"{self.path(span.file)}:{span.line}"
