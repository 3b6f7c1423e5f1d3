"""What is refused, and how: one line, without blocking, without touching other files."""

from __future__ import annotations

import os
import socket
import threading
from fractions import Fraction

import av
import numpy as np
import pytest

from mescope.errors import VideoError
from mescope.video.reading import open_video


def _refused(source, pattern):
    with pytest.raises(VideoError, match=pattern) as caught:
        open_video(source)
    assert "\n" not in str(caught.value)


def test_missing_and_empty_files(tmp_path):
    _refused(tmp_path / "none.mp4", "check the path")
    _refused("bad\0name.mp4", "null byte")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    _refused(empty, "empty file")


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv", "a.mov", "a.txt", "a.h264", "a"])
@pytest.mark.parametrize("content", [b"Dear reader,\nthis is no video.\n" * 99, b"\0" * 9999])
def test_text_renamed(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    _refused(path, f"^{name}: not a supported video")


@pytest.mark.parametrize(
    "size",
    [
        pytest.param((7680, 4320), marks=pytest.mark.slow),
        (1, 1),
        (3, 4000),
        (161, 97),
        (33, 31),
    ],
)
def test_extreme_sizes(tmp_path, write_video, size):
    """Lines are padded in memory, the padding is not part of the picture."""
    width, height = size
    ramp = np.add.outer(np.arange(height) * 7, np.arange(width) * 3) % 256
    pictures = [ramp.astype(np.uint8), (255 - ramp).astype(np.uint8)]
    path = write_video(tmp_path / "v.mkv", pictures, codec="ffv1", pixels="gray")
    video = open_video(path)
    assert (video.width, video.height) == size
    for index, picture in video.frames():
        assert np.array_equal(picture, pictures[index])
        assert picture.flags.c_contiguous


def test_a_size_that_is_no_picture_is_refused(tmp_path, write_video):
    """65535 x 65535 declared in the header."""
    path = write_video(tmp_path / "v.avi", 3, codec="mjpeg", pixels="yuvj420p")
    data = path.read_bytes()
    at = data.index(b"strf") + 8 + 4  # BITMAPINFOHEADER: size, width, height
    huge = (65535).to_bytes(4, "little") * 2
    data = data[:at] + huge + data[at + 8 :]
    # The JPEG headers (SOF0: marker, length, precision, height, width) say so too.
    parts = data.split(b"\xff\xc0\x00\x11\x08")
    data = b"\xff\xc0\x00\x11\x08".join([parts[0]] + [b"\xff" * 4 + p[4:] for p in parts[1:]])
    path.write_bytes(data)
    _refused(path, "v.avi")


@pytest.mark.parametrize(
    ("size", "pattern"),
    [((16300, 16000), "at most 16384 pixels a side"), ((30000, 30000), "impossible size")],
)
def test_a_large_declared_size_is_refused_before_decoding(tmp_path, write_video, size, pattern):
    """The first is one that FFmpeg itself would accept."""
    path = write_video(tmp_path / "v.avi", 3, codec="rawvideo", pixels="yuv420p")
    data = path.read_bytes()
    at = data.index(b"strf") + 8 + 4
    declared = b"".join(side.to_bytes(4, "little") for side in size)
    path.write_bytes(data[:at] + declared + data[at + 8 :])
    _refused(path, pattern)


def test_a_size_that_changes_is_an_error(tmp_path, write_video, picture_of):
    """H.264 whose second half has another size."""
    options = {"bf": "0", "g": "10"}
    one = write_video(tmp_path / "1.h264", 20, options=options)
    two = write_video(
        tmp_path / "2.h264", [picture_of(i, 192, 128) for i in range(20)], options=options
    )
    both = tmp_path / "both.h264"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    seen = []
    with pytest.raises(VideoError, match=r"160x96, frame 20 has 192x128"):
        seen.extend(index for index, _ in open_video(both).frames())
    assert seen == list(range(20))


def _write_sound(container, seconds=0.2):
    stream = container.add_stream("aac", rate=16000)
    stream.layout = "mono"
    frame = av.AudioFrame.from_ndarray(
        np.zeros((1, int(16000 * seconds)), np.float32), format="fltp", layout="mono"
    )
    frame.sample_rate = 16000
    frame.pts = 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode())


def test_sound_only(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        _write_sound(container)
    _refused(path, "found only audio")


def _write_streams(path, streams):
    """Each stream: (codec, pixel format, pictures, disposition)."""
    with av.open(str(path), "w") as container:
        made = []
        for codec, pixels, pictures, disposition in streams:
            stream = container.add_stream(codec, rate=30)
            stream.height, stream.width = pictures[0].shape
            stream.pix_fmt, stream.disposition = pixels, disposition
            made.append(stream)
        for stream, (_, _, pictures, _) in zip(made, streams, strict=True):
            for index, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="gray")
                frame.pts, frame.time_base = index, Fraction(1, 30)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())


def test_cover_art_is_passed_over(tmp_path, picture_of, number_in):
    """The cover is larger than the recording."""
    path = tmp_path / "cover.mp4"
    cover = ("mjpeg", "yuvj420p", [picture_of(7, 640, 480)], av.stream.Disposition.attached_pic)
    film = ("libx264", "yuv420p", [picture_of(i) for i in range(20)], 0)
    _write_streams(path, [cover, film])
    video = open_video(path)
    assert [(i, number_in(p)) for i, p in video.frames()] == [(i, i) for i in range(20)]
    only = tmp_path / "only.mp4"
    _write_streams(only, [cover])
    _refused(only, "only cover art")


def test_of_two_streams_the_larger_is_taken(tmp_path, picture_of, number_in):
    """With a warning that names it."""
    path = tmp_path / "two.mkv"
    small = ("libx264", "yuv420p", [picture_of(99, 128, 64)] * 20, 0)
    large = ("libx264", "yuv420p", [picture_of(i) for i in range(20)], 0)
    _write_streams(path, [small, large])
    video = open_video(path)
    assert [(i, number_in(p)) for i, p in video.frames()] == [(i, i) for i in range(20)]
    assert any("2 video streams; number 1" in w for w in video.warnings)


@pytest.mark.parametrize("tag", [b"zq9x", b"encv"])
def test_an_unknown_codec_is_named(tmp_path, write_video, tag):
    path = write_video(tmp_path / "v.mp4", 5)
    path.write_bytes(path.read_bytes().replace(b"avc1\0", tag + b"\0"))
    _refused(path, f"codec '{tag.decode()}'")


@pytest.fixture
def sentinel():
    """A server that notes every connection."""
    met = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            met.append(1)
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1], met
    stop.set()
    thread.join()
    server.close()


_PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{file}'\nfile '{url}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "dash": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
    'type="static"><BaseURL>{url}</BaseURL></MPD>\n',
}


@pytest.mark.parametrize("name", ["p.m3u8", "p.mpd", "p.sdp", "p.ffconcat", "p.mp4", "p"])
@pytest.mark.parametrize("kind", _PLAYLISTS)
def test_playlists_are_refused(tmp_path, write_video, sentinel, kind, name):
    """And nothing they point at is opened."""
    port, met = sentinel
    film = write_video(tmp_path / "film.mp4", 3)
    path = tmp_path / name
    url = f"http://127.0.0.1:{port}/film.mp4"
    path.write_text(_PLAYLISTS[kind].format(url=url, file=film, port=port))
    _refused(path, "found a playlist")
    assert met == []


@pytest.mark.parametrize(
    "form",
    ["http://127.0.0.1:{port}/a.mp4", "rtsp://127.0.0.1:{port}/a", "tcp://127.0.0.1:{port}",
     "file://{file}", "file:{file}", "pipe:0", "concat:{file}|{file}",
     "subfile,,start,0,end,99,,:{file}", "data:video/mp4;base64,AAAA", "cache:{file}"],
)  # fmt: skip
def test_addresses_are_refused(tmp_path, write_video, sentinel, form):
    port, met = sentinel
    film = write_video(tmp_path / "film.mp4", 3)
    _refused(form.format(port=port, file=film), "found the address")
    assert met == []


@pytest.mark.timeout(20)
def test_devices_pipes_and_sockets_are_refused_at_once(tmp_path):
    endless = tmp_path / "zero.mp4"
    endless.symlink_to("/dev/zero")
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    plug = tmp_path / "s.mp4"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(plug))
        for path in (endless, pipe, plug, "/dev/null"):
            _refused(path, "device, pipe or socket")
    nowhere = tmp_path / "dangling.mp4"
    nowhere.symlink_to(tmp_path / "gone")
    _refused(nowhere, "check the path")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path, write_video):
    path = write_video(tmp_path / "v.mp4", 3)
    path.chmod(0)
    _refused(path, "permission")


@pytest.mark.parametrize(
    "name",
    ["with space.mp4", "微表情 😀.mp4", "-i.mp4", "a%03d.mp4", "concat:x.mp4", "e\u0301.mp4",
     "trailing.dot..mp4", "quote'\".mp4", "http:x.mp4", "a" * 240 + ".mp4"],
)  # fmt: skip
def test_strange_names(tmp_path, write_video, monkeypatch, name):
    """Also as a relative path, where FFmpeg would take some for addresses."""
    plain = write_video(tmp_path / "plain.mp4", 5)
    plain.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    video = open_video(name)
    assert len(list(video.frames())) == 5
    assert video.name == name
