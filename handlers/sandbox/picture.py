"""Pictures on the phone (图片): which files are pictures, and what a QR code in one says."""

import io

from PIL import Image, UnidentifiedImageError

from handlers.sandbox.account import SandboxError

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
MAX_PIXELS = 40_000_000


def picture_type(content: bytes) -> str:
    """The content type of a picture a phone can show, "" for anything else."""
    try:
        with Image.open(io.BytesIO(content), formats=list(TYPES)) as image:
            return TYPES[image.format or ""] if image.width * image.height <= MAX_PIXELS else ""
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError, SyntaxError):
        return ""


def decode_code(content: bytes) -> str:
    """The text of the QR code in a picture, "" when none is found.

    Raises:
        SandboxError: the optional package zxing-cpp is not installed.
    """
    try:
        import zxingcpp  # noqa: PLC0415 - optional: only the demo extra brings it
    except ImportError as error:
        raise SandboxError("识别图片需要安装 zxing-cpp；也可以直接粘贴二维码里的内容") from error
    with Image.open(io.BytesIO(content), formats=list(TYPES)) as image:
        found = zxingcpp.read_barcodes(image.convert("L"))
    return next((str(each.text) for each in found if each.text), "")
