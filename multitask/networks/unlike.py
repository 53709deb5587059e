"""Which pictures are unlike all that a network was trained on?

The square roots of the features of training pictures are described by a normal
distribution: probabilistic principal components (Tipping and Bishop 1999), which need
little room. How far a picture is from its middle is the Mahalanobis distance (Lee et
al. 2018); one that few pictures of the validation part reach is far. Without the square
root, which makes features of many zeros and few large numbers nearly normal, hardly
anything else is far (`docs/decisions/0030-unlike-the-training-pictures.md`).
"""

import io
import zipfile
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from multitask.contracts.errors import UserError
from multitask.networks.stored.members import UNREADABLE

UNLIKE = "unlike the training pictures"  # in the column `warning`
LEAST = 200  # pictures of the training and of the validation part, to know them by
MOST = 2000  # training pictures that are looked at
FAR = 0.995  # of the validation pictures are nearer than what is far
_COMPONENTS = 64
_CHANNELS = 512  # at most: of more, as many evenly spaced ones are looked at
_MOST_BYTES = 2**24  # of all arrays, which are a hundredth of it
_TINY = 1e-9  # the least noise, as a share of the largest variance

Floats = npt.NDArray[np.floating]
Far = npt.NDArray[np.bool_] | None  # which pictures are far, if that is known


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingFeatures:
    """The distribution of the features of training pictures, and which are far from it.

    `channels` are those looked at, and `mean` (channels,) is theirs. `components`
    (components, channels) are directions, with the `variances` (components,) along
    them; `noise` is the variance in every other direction. `far` is a distance.
    """

    channels: npt.NDArray[np.int32]
    mean: npt.NDArray[np.float32]
    components: npt.NDArray[np.float16]
    variances: npt.NDArray[np.float32]
    noise: float
    far: float

    def distances(self, features: Floats) -> npt.NDArray[np.float64]:
        """How far each of some features (rows, channels) is from the middle.

        Distances are Mahalanobis's: about the square root of the number of channels for
        a training picture. Features that are not finite are infinitely far.
        """
        off = _roots(features[:, self.channels]) - self.mean
        with np.errstate(invalid="ignore", over="ignore"):
            along = off @ self._directions.T
            rest = np.square(off).sum(axis=1) - np.square(along).sum(axis=1)
            square = (np.square(along) / self.variances).sum(axis=1)
            square += np.maximum(rest, 0) / self.noise
        square[~np.isfinite(square)] = np.inf
        return np.asarray(np.sqrt(square), np.float64)

    def unlike(self, features: Floats) -> npt.NDArray[np.bool_]:
        """Whether each of some features (rows, channels) is far from all of them."""
        return self.distances(features) > self.far

    @cached_property
    def _directions(self) -> npt.NDArray[np.float64]:
        return self.components.astype(np.float64)

    def to_bytes(self) -> bytes:
        """What `read` reads, a file of NumPy's format `npz`."""
        content = io.BytesIO()
        arrays = {each.name: getattr(self, each.name) for each in fields(self)}
        np.savez_compressed(content, **arrays)
        return content.getvalue()


def _roots(features: Floats) -> npt.NDArray[np.float64]:
    """The square roots of features, negative ones of negative ones."""
    values = features.astype(np.float64)
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)), np.float64)


def fit(training: Floats, validation: Floats) -> TrainingFeatures | None:
    """Describe the features (pictures, channels) of the two parts.

    None if one of them has fewer than 200 pictures, or the features hardly differ.
    """
    if min(len(training), len(validation)) < LEAST:
        return None
    count = training.shape[1]
    step = -(-count // _CHANNELS)
    channels = np.arange(0, count, step, dtype=np.int32)
    roots = _roots(training[:, channels])
    if not (np.isfinite(roots).all() and np.isfinite(validation).all()):
        return None
    if not np.ptp(roots, axis=0).any():
        return None
    # One direction at least is left to the noise.
    most = min(_COMPONENTS, len(channels) - 1, len(roots) - 1)
    if most < 1:
        return None
    pca = PCA(most, svd_solver="full").fit(roots)
    noise = max(float(pca.noise_variance_), _TINY * float(pca.explained_variance_[0]))
    known = TrainingFeatures(
        channels=channels,
        mean=pca.mean_.astype(np.float32),
        components=pca.components_.astype(np.float16),
        variances=np.maximum(pca.explained_variance_, noise).astype(np.float32),
        noise=noise,
        far=np.inf,
    )
    far = np.quantile(known.distances(validation), FAR)
    return replace(known, far=float(far))


def read(content: bytes, channels: int, where: object) -> TrainingFeatures:
    """What `TrainingFeatures.to_bytes` wrote, for features of so many channels.

    Raises UserError, naming `where`, for anything else.
    """
    names = [each.name for each in fields(TrainingFeatures)]
    try:
        _check_sizes(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in names}
        numbers = {name: float(arrays[name]) for name in ("noise", "far")}
        known = TrainingFeatures(**arrays | numbers)
        if _is_valid(known, channels):
            return known
    except (KeyError, TypeError, SyntaxError, *UNREADABLE):
        pass
    what = "is damaged in what it says of its training pictures"
    raise UserError(where, what, "train or copy it again")


def _check_sizes(content: bytes) -> None:
    """Raise ValueError for arrays that are larger than any that `to_bytes` writes."""
    with zipfile.ZipFile(io.BytesIO(content)) as arrays:
        if sum(array.file_size for array in arrays.infolist()) > _MOST_BYTES:
            raise ValueError


def _is_valid(known: TrainingFeatures, channels: int) -> bool:
    """Whether arrays are of the shapes, types and ranges that `fit` gives them."""
    looked_at, directions = known.channels.shape, known.components.shape
    numbers = (known.mean, known.components, known.variances)
    return bool(
        len(looked_at) == 1
        and known.mean.shape == looked_at
        and directions == (*known.variances.shape, *looked_at)
        and np.issubdtype(known.channels.dtype, np.integer)
        and all(np.issubdtype(array.dtype, np.floating) for array in numbers)
        and all(np.isfinite(array).all() for array in numbers)
        and (known.channels >= 0).all()
        and (known.channels < channels).all()
        and (known.variances > 0).all()
        and known.noise > 0
        and known.far > 0
    )
