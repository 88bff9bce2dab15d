"""Several chains at once, each at its own timestep, in one call of the network.

A sampler takes one timestep for its whole batch, so chains from several N would each call the
network by themselves. Here each runs on until it asks its denoiser; what all of them ask goes to
the network together, and each goes on with its part of the answer.

A chain's state is that of the sampler's loop, so each has a thread, used as a coroutine: only one
of them runs at any time, in the order given, and the network runs in the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread

import torch
from torch import Tensor

from difface_cli.method.denoiser import BatchDenoiser, Denoised, Denoiser

Chain = Callable[[Denoiser], Tensor]  # a sampler with all of its arguments but the denoiser


@torch.inference_mode()
def lockstep(chains: Sequence[Chain], denoise: BatchDenoiser) -> list[Tensor]:
    """Run chains together; those that call more often than others go on without them.

    Args:
        chains: each calls its denoiser with a batch of its own, of one size of picture for all.
        denoise: what they share. Called with an int where all chains are at one timestep.

    Returns:
        What each chain returns, in their order.

    Raises:
        Whatever a chain or the denoiser raises; no chain goes on after that.
    """
    if len(chains) == 1:
        return [chains[0](denoise)]
    runs = [_Run(chain) for chain in chains]
    try:
        asking = [run for run in runs if run.start()]
        while asking:
            answers = _answer(asking, denoise)
            asking = [run for run, answer in zip(asking, answers, strict=True) if run.go_on(answer)]
    finally:
        for run in runs:
            run.stop()
        for run in runs:
            run.join()
    return [run.outcome.result() for run in runs]


def _answer(asking: Sequence[_Run], denoise: BatchDenoiser) -> list[Denoised]:
    """One call for what all of them ask."""
    sizes = [len(run.x) for run in asking]
    t = [run.t for run, size in zip(asking, sizes, strict=True) for _ in range(size)]
    x = torch.cat([run.x for run in asking])
    return denoise(x, t[0] if len(set(t)) == 1 else t).split(sizes)


class _Stopped(BaseException):
    """Ends a chain that will get no answer."""


class _Run:
    """A chain on its way.

    Attributes:
        x, t: what it asks of its denoiser at present.
        outcome: what it returned or raised.
    """

    x: Tensor
    t: int

    def __init__(self, chain: Chain) -> None:
        self.outcome: Future[Tensor] = Future()
        self._chain = chain
        self._asks: SimpleQueue[bool] = SimpleQueue()  # False once it has ended
        self._answers: SimpleQueue[Denoised | None] = SimpleQueue()  # None to stop
        self._thread = Thread(target=self._run, name="chain", daemon=True)

    def start(self) -> bool:
        """Run to the first call; False where there is none. Raises what the chain raises."""
        self._thread.start()
        return self._until_it_asks()

    def go_on(self, answer: Denoised) -> bool:
        """Run to the next call; False when the chain has ended. Raises what the chain raises."""
        self._answers.put(answer)
        return self._until_it_asks()

    def stop(self) -> None:
        """Let the chain end at its present or next call, if it is on its way still."""
        self._answers.put(None)

    def join(self) -> None:
        """Wait for the end of a chain that was stopped."""
        if self._thread.ident is not None:
            self._thread.join()

    def _until_it_asks(self) -> bool:
        asks = self._asks.get()
        if not asks:
            self.outcome.result()
        return asks

    def _run(self) -> None:
        try:
            with torch.inference_mode():  # each thread has its own mode
                self.outcome.set_result(self._chain(self._ask))
        except _Stopped:
            pass
        except BaseException as e:  # raised again where the chain is waited for
            self.outcome.set_exception(e)
        finally:
            self._asks.put(False)

    def _ask(self, x: Tensor, t: int) -> Denoised:
        self.x, self.t = x, t
        self._asks.put(True)
        answer = self._answers.get()
        if answer is None:
            raise _Stopped
        return answer
