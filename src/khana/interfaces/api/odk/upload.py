"""Files of a post, on their way to the encrypted store: through files without a name, which a kill leaves nowhere.

A post that was cut on the way is refused whole: half a picture must not be taken for a picture. The telephone still has it
and sends it again.
"""

from __future__ import annotations

import re
import tempfile
from typing import IO, Any, ClassVar

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from khana.platform import places
from khana_methods.errors import InputError

MOST_BYTES = 100 << 20
_TAIL = 512


class PostCut(InputError):
    """The post ended before its end."""

    code: ClassVar[str] = "odk.post.cut"


class FileTooLarge(InputError):
    """A file of the post is larger than is taken."""

    code: ClassVar[str] = "odk.post.file_too_large"


class PostMalformed(InputError):
    """The post is no multipart form with answers in it."""

    code: ClassVar[str] = "odk.post.malformed"


class _Counted:
    """The body of a request, counting what was read and keeping its end."""

    def __init__(self, stream: Any) -> None:
        self._stream, self.count, self.tail = stream, 0, b""

    def read(self, *args: Any) -> bytes:
        return self._noted(self._stream.read(*args))

    def readline(self, *args: Any) -> bytes:
        return self._noted(self._stream.readline(*args))

    def _noted(self, data: bytes) -> bytes:
        self.count += len(data)
        self.tail = (self.tail + data)[-_TAIL:]
        return data


class _Nameless(FileUploadHandler):
    """Writes each file of a post into a file without a name, under var."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=places.folder("uploads"))  # noqa: SIM115 - closed with the request
        self._size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._size += len(raw_data)
        if self._size > MOST_BYTES:
            raise FileTooLarge(
                f"A file may have {MOST_BYTES >> 20} megabytes at most. Take the picture again, smaller."
            )
        self._file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[Any]:
        self._file.seek(0)
        return UploadedFile(self._file, self.file_name, self.content_type or "", file_size, self.charset)


def read_post(request: HttpRequest) -> tuple[bytes, list[UploadedFile[Any]]]:
    """Read a multipart post; return the answers and the other files.

    Raises:
        PostCut: It ended before its end.
        PostMalformed: It is no multipart form, or has no part `xml_submission_file`.
        FileTooLarge: A file has more than a hundred megabytes.
    """
    boundary = re.search(r'boundary="?([^";]+)"?', request.headers.get("Content-Type", ""))
    if not request.headers.get("Content-Type", "").startswith("multipart/form-data") or boundary is None:
        raise PostMalformed("Send a multipart form with the part xml_submission_file.")
    counted = _Counted(request._stream)
    vars(request)["_stream"] = counted
    request.upload_handlers = [_Nameless(request)]
    try:
        files = [one for name in request.FILES for one in request.FILES.getlist(name)]
        plain = request.POST.get("xml_submission_file", "")
    except MultiPartParserError as error:
        raise PostCut("The post was cut on its way. Send it again.") from error
    while counted.read(1 << 16):  # what follows the last part, to see its end
        pass
    stated = int(request.META.get("CONTENT_LENGTH") or 0)
    if (stated and counted.count < stated) or f"--{boundary[1]}--".encode() not in counted.tail:
        raise PostCut("The post was cut on its way. Send it again.")
    xml = request.FILES.get("xml_submission_file")
    if xml is None and not plain:
        raise PostMalformed("The post has no part xml_submission_file.")
    data = xml.read() if isinstance(xml, UploadedFile) else plain.encode()
    return data, [one for one in files if one is not xml]
