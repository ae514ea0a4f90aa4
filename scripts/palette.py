"""Pictures of pages as small PNG files: of 256 colours, which is all that flat pages need.

The browser that took a picture reads and counts its pixels: it has the decoder, and the speed.
"""

import base64
import struct
import zlib

from playwright.sync_api import Page

_REDUCE = """async source => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const [width, height] = [image.width, image.height];
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    const counts = new Map();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([color]) => color);
    const parts = color => [color & 255, color >> 8 & 255, color >> 16 & 255];
    const distance = (a, b) => a.reduce((sum, part, i) => sum + (part - b[i]) ** 2, 0);
    const spread = palette.map(parts);
    const indexes = new Map(palette.map((color, index) => [color, index]));
    for (const color of counts.keys()) {
        if (indexes.has(color)) continue;
        const apart = spread.map(each => distance(each, parts(color)));
        indexes.set(color, apart.indexOf(Math.min(...apart)));
    }
    const rows = new Uint8Array((width + 1) * height);
    pixels.forEach((pixel, at) => { rows[at + Math.floor(at / width) + 1] = indexes.get(pixel); });
    let text = "";
    for (let at = 0; at < rows.length; at += 32768)
        text += String.fromCharCode(...rows.subarray(at, at + 32768));
    return {width, height, palette: spread.flat(), rows: btoa(text)};
}"""
"""Each row begins with a byte for its filter: none (PNG specification, section 9.2)."""


def reduced(page: Page, picture: bytes) -> bytes:
    """Return a PNG picture with the 256 colours it has most of. `page` is any blank one."""
    found = page.evaluate(_REDUCE, f"data:image/png;base64,{base64.b64encode(picture).decode()}")
    header = struct.pack(">IIBBBBB", found["width"], found["height"], 8, 3, 0, 0, 0)
    rows = zlib.compress(base64.b64decode(found["rows"]), 9)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", bytes(found["palette"])),
        (b"IDAT", rows),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
