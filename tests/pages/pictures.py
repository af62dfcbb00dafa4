"""Pictures of pages in few colours, so that they stay small: PNG with a palette, written here."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import BrowserContext

COLOURS = 96
"""How many a picture keeps."""
OURS = [0xF2B84B]
"""Colours of our mark, which are too few to be among them."""
_PIXELS = """async (data) => {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const drawing = canvas.getContext("2d");
  drawing.drawImage(picture, 0, 0);
  const pixels = drawing.getImageData(0, 0, picture.width, picture.height).data;
  let text = "";
  for (let at = 0; at < pixels.length; at += 32768) {
    text += String.fromCharCode(...pixels.subarray(at, at + 32768));
  }
  return [picture.width, picture.height, btoa(text)];
}"""


def keep(context: BrowserContext, png: bytes, file: Path) -> None:
    """Write a screenshot with few colours."""
    page = context.new_page()
    width, height, data = page.evaluate(_PIXELS, base64.b64encode(png).decode())
    page.close()
    pixels = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[:, :, :3]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_palette_png(pixels))


def _palette_png(pixels: Any) -> bytes:
    """The most frequent colours as they are; every other one becomes the nearest of those."""
    wide = pixels.astype(np.int32)
    numbers = (wide[:, :, 0] << 16) | (wide[:, :, 1] << 8) | wide[:, :, 2]
    colours, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    kept = np.union1d(colours[np.argsort(-counts)[:COLOURS]], OURS)
    parts = np.stack([(colours >> shift) & 255 for shift in (16, 8, 0)], axis=1)
    chosen = np.stack([(kept >> shift) & 255 for shift in (16, 8, 0)], axis=1)
    nearest = np.concatenate(
        [((some[:, None, :] - chosen[None]) ** 2).sum(axis=2).argmin(axis=1) for some in _in_parts(parts)]
    )
    height, width = numbers.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = nearest[places].reshape(height, width)
    palette = b"".join(int(colour).to_bytes(3, "big") for colour in kept)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", head),
        (b"PLTE", palette),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _in_parts(values: Any) -> list[Any]:
    return [values[at : at + 4096] for at in range(0, len(values), 4096)]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
