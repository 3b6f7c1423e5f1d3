"""What routes have in common: who serves a request, and what parameters may be."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from mescope.app.jobs import AnalysisQueue
from mescope.app.project import Project
from mescope.app.records import StoredRecording

LARGEST = 2**53 - 1
"""Largest number that JavaScript counts exactly."""


def _project(request: Request) -> Project:
    project: Project = request.app.state.project
    return project


def _jobs(request: Request) -> AnalysisQueue:
    jobs: AnalysisQueue = request.app.state.jobs
    return jobs


Served = Annotated[Project, Depends(_project)]
Working = Annotated[AnalysisQueue, Depends(_jobs)]
Identity = Annotated[
    str, Path(alias="id", pattern="^[0-9a-f]{12}$", description="Id of a recording.")
]


def _recording(project: Served, identity: Identity) -> StoredRecording:
    return project.recording(identity)


Asked = Annotated[StoredRecording, Depends(_recording)]
Frame = Annotated[int, Path(ge=0, le=LARGEST, description="Frame number, from 0.")]
FrameQuery = Annotated[int, Query(ge=0, le=LARGEST, description="Frame number, from 0.")]
Coder = Annotated[
    str | None, Query(max_length=64, description="See the marks as this coder alone left them.")
]
Who = Annotated[str, Query(min_length=1, max_length=64, description="A coder, or `model`.")]
