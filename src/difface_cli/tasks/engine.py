"""One photo after the other through a task: prepare, draw, finish."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property

from difface_cli.base.progress import Progress
from difface_cli.models import Ready
from difface_cli.tasks import finishing, preparing
from difface_cli.tasks.drawing import Drawing
from difface_cli.tasks.options import Options
from difface_cli.tasks.results import Drawn, Prepared, Result, Scene
from difface_cli.tasks.task import Task


@dataclass(frozen=True)
class Engine:
    """What does a task with photos.

    `prepare` and `finish` look at one photo each and run in any thread; `draw` runs the networks,
    and takes faces from several photos into one call where that pays. `run` is all three for one
    photo.
    """

    ready: Ready
    task: Task
    options: Options
    progress: Progress | None = None

    def prepare(
        self,
        scene: Scene,
        progress: Progress | None = None,
        seeds: Mapping[int, tuple[int, ...]] | None = None,
    ) -> Prepared:
        """Find the photo's faces and cut them out, see `preparing.prepare`."""
        return preparing.prepare(scene, self.ready, self.task, self.options, progress, seeds)

    @cached_property
    def drawing(self) -> Drawing:
        """What the faces of all photos go through."""
        return Drawing(self.ready, self.task, self.options, self.progress)

    def draw(self, prepared: Prepared) -> Future[Drawn]:
        """Send the photo's faces through the networks, see `Drawing.add`."""
        return self.drawing.add(prepared)

    def flush(self) -> None:
        """Draw the faces that wait for others."""
        self.drawing.flush()

    def finish(self, prepared: Prepared, drawn: Drawn, progress: Progress | None = None) -> Result:
        """Judge and paste the drawn faces, see `finishing.finish`."""
        return finishing.finish(prepared, drawn, self.ready, self.task, self.options, progress)

    def run(self, scene: Scene, seeds: Mapping[int, tuple[int, ...]] | None = None) -> Result:
        """One photo from what the task sees to the result.

        Args:
            seeds: of the faces' noise by index, where they are known from a record.

        Returns:
            The whole photo in its own depth and colour mode. Pixels outside the faces' masks are
            the photo's own, bit for bit, unless it is enlarged.

        Raises:
            FaceError: for a face that is not there.
            DeviceError: when memory runs out.
        """
        prepared = self.prepare(scene, self.progress, seeds)
        drawn = self.draw(prepared)
        self.flush()
        return self.finish(prepared, drawn.result(), self.progress)
