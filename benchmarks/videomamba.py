"""Time and memory of VideoMamba against a scan in a Python loop and against a ViT, in one run.

    python benchmarks/videomamba.py [--quick] [--rounds 3] [--only loop]

`ours` is the preset -Ti at 16 frames of 224 px, one clip at a time, float32.  `loop` is the
same network, whose scan is the plain reference, one token after another; both have few blocks
there, because the loop takes minutes otherwise, and its graph half a GiB for each block.  `vit`
has the same patches, width and depth, and blocks of torch's scaled_dot_product_attention and an
MLP.  A training step is forward and backward; `again` computes every mixer twice for less
memory.  "x linear" is the time for each token, over that of the shortest clips.

Sides take turns, their first run does not count, times are medians.  Memory is how far the
resident set of a fresh process rises above what network, clip and libraries take.  --quick is a
small size that says only whether everything runs.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import torch
from memory import forget_highest, resident
from torch import Tensor, nn

from mescope.models import videomamba_layers
from mescope.models.outputs import EmotionOutput
from mescope.models.videomamba import PRESETS, VideoMamba, VideoMambaConfig
from mescope.models.vision_layers import Attention, TokenBlock
from mescope.ops.selective_scan import backend_in_use

FUSED = videomamba_layers.selective_scans
LOOP = functools.partial(FUSED, backend="reference")
PARTS = ("loop", "again", "forward", "training")
HEAD = 64  # width of an attention head, as ViTs have it


@dataclass(frozen=True)
class Size:
    """What is measured."""

    config: VideoMambaConfig
    loop_blocks: int
    lengths: tuple[int, ...]  # frames, for the scaling


FULL = Size(dataclasses.replace(PRESETS["videomamba-ti"], frames=16), 2, (8, 16, 32, 64))
QUICK = Size(
    VideoMambaConfig(frames=16, side=64, dim=64, depth=2, drop_path=0.0), 1, (8, 16, 32, 64)
)


class Vit(nn.Module):
    """Attention over all patches of all frames, on the embedding of VideoMamba."""

    def __init__(self, config: VideoMambaConfig) -> None:
        super().__init__()
        self.stem = VideoMamba(dataclasses.replace(config, depth=1, recompute=0))
        del self.stem.blocks
        self.blocks = nn.Sequential(
            *(
                TokenBlock(
                    config.dim, Attention(config.dim, max(1, config.dim // HEAD)),
                    drop=0.0, drop_path=0.0, layer_scale=None,
                )
                for _ in range(config.depth)
            )
        )  # fmt: skip

    def forward(self, clips: Tensor) -> EmotionOutput:
        """Return logits, (b, classes)."""
        tokens = self.blocks(self.stem.embed(clips))
        return EmotionOutput(emotion=self.stem.head(self.stem.norm(tokens[:, 0])))


def build(side: str, config: VideoMambaConfig) -> nn.Module:
    torch.manual_seed(0)
    if side == "vit":
        return Vit(config)
    if side == "again":
        config = dataclasses.replace(config, recompute=config.depth)
    return VideoMamba(config)


def once(side: str, model: nn.Module, clip: Tensor, train: bool) -> float:
    """Return the seconds of one run."""
    videomamba_layers.selective_scans = LOOP if side == "loop" else FUSED
    model.train(train)
    start = time.perf_counter()
    if train:
        model(clip).emotion.square().sum().backward()
    else:
        with torch.no_grad():
            model(clip)
    taken = time.perf_counter() - start
    model.zero_grad()
    return taken


def clip_of(config: VideoMambaConfig) -> Tensor:
    return torch.randn(1, config.channels, config.frames, config.side, config.side)


def times(
    sides: tuple[str, ...], config: VideoMambaConfig, train: bool, rounds: int
) -> list[float]:
    """Return the median seconds of each side."""
    clip, models = clip_of(config), [build(side, config) for side in sides]
    found: list[list[float]] = [[] for _ in sides]
    for counted in range(-1, rounds):
        for side, model, taken in zip(sides, models, found, strict=True):
            seconds = once(side, model, clip, train)
            if counted >= 0:
                taken.append(seconds)
    return [statistics.median(taken) for taken in found]


def child(side: str, train: bool, config: VideoMambaConfig) -> None:
    small = dataclasses.replace(config, frames=2 * config.tubelet, depth=1, recompute=0)
    once(side, build(side, small), clip_of(small), train)  # load and compile before the count
    model, clip = build(side, config), clip_of(config)
    forget_highest()
    before = resident("VmRSS")
    once(side, model, clip, train)
    print(resident("VmHWM") - before)


def memory(side: str, config: VideoMambaConfig, train: bool) -> float:
    """Return the peak in MiB, measured in a process of its own."""
    sizes = (config.frames, config.side, config.dim, config.depth)
    words = [sys.executable, __file__, "--child", side, str(int(train)), *map(str, sizes)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return float(done.stdout)


def row(name: str, side: str, config: VideoMambaConfig, seconds: float, peak: float) -> str:
    return (
        f"{name:9}{side:6}{config.frames:7}{config.tokens:8}{config.depth:7}"
        f"{1 / seconds:10.3f}{seconds:10.3f}{peak:10.1f}"
    )


def compare(
    sides: tuple[str, str], config: VideoMambaConfig, modes: tuple[bool, ...], rounds: int
) -> None:
    """Print two sides, the second over the first; of modes, True is a training step."""
    for train in modes:
        seconds = times(sides, config, train, rounds)
        peaks = [memory(side, config, train) for side in sides]
        name = "training" if train else "forward"
        for side, taken, peak in zip(sides, seconds, peaks, strict=True):
            print(row(name, side, config, taken, peak), end="")
            ratios = f"{taken / seconds[0]:9.2f}{peak / peaks[0]:9.2f}"
            print(ratios if side != sides[0] else "", flush=True)


def scaling(size: Size, modes: list[bool], rounds: int) -> None:
    """Print ours and the ViT by frames, ours against a straight line, and where they cross."""
    for train in modes:
        first, crossed, before = 0.0, "", "fewer"
        name = "training" if train else "forward"
        for frames in size.lengths:
            config = dataclasses.replace(size.config, frames=frames)
            sides = ("ours", "vit")
            ours, vit = times(sides, config, train, rounds)
            first = first or ours / config.tokens
            print(row(name, "ours", config, ours, memory("ours", config, train)), end="")
            print(f"   {ours / config.tokens / first:6.2f} x linear")
            print(row(name, "vit", config, vit, memory("vit", config, train)), end="")
            print(f"   {vit / ours:6.2f} x ours", flush=True)
            if vit > ours and not crossed:
                crossed = f"between {before} and {frames} frames"
            before = str(frames)
        print(f"{name}: ours becomes the quicker one {crossed or 'at none of these lengths'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a small size")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="parts of it")
    given = parser.parse_args()
    size: Size = QUICK if given.quick else FULL
    parameters = [
        sum(p.numel() for p in build(s, size.config).parameters()) for s in ("ours", "vit")
    ]
    print(f"scan {backend_in_use('scan')}, {torch.get_num_threads()} threads, parameters: ours "
          f"{parameters[0]:,}, vit {parameters[1]:,}")  # fmt: skip
    print(
        "pass     side   frames  tokens blocks   clips/s   seconds       MiB   time x    MiB x"
    )
    few = dataclasses.replace(size.config, depth=size.loop_blocks)
    parts = given.only or PARTS
    modes = [train for name, train in (("forward", False), ("training", True)) if name in parts]
    if "loop" in parts:
        compare(("ours", "loop"), few, (False, True), given.rounds)
    if "again" in parts:
        compare(("ours", "again"), size.config, (True,), given.rounds)
    scaling(size, modes, given.rounds)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        frames, pixels, dim, depth = map(int, sys.argv[4:])
        child(
            sys.argv[2],
            sys.argv[3] == "1",
            VideoMambaConfig(frames=frames, side=pixels, dim=dim, depth=depth),
        )
    else:
        main()
