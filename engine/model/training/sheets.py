"""Contact sheets: pictures side by side in one PNG, to look at while a stage trains and in the model card."""
import numpy as np
from PIL import Image


def to_bytes(pictures):
    """float (B,3,S,S) in [-1, 1] → uint8 (B,S,S,3)."""
    return ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def sheet(path, pictures, columns=8):
    pictures = pictures if isinstance(pictures, np.ndarray) else to_bytes(pictures)
    side = pictures.shape[1]
    canvas = Image.new('RGB', (columns * side, -(-len(pictures) // columns) * side), 'white')
    for at, picture in enumerate(pictures):
        canvas.paste(Image.fromarray(picture), (at % columns * side, at // columns * side))
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)
