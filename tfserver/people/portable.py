"""Which credentials can go to which terminal (protocol §2.2).

Numbers go anywhere that has not said it takes none. Templates of fingers go where the algorithm is the same,
those of faces and palms only if the model is the same as well; a photo wherever there are faces. A terminal
that says nothing of a kind is believed to take cards, passwords and fingers, as the oldest do, and no faces
or palms.
"""

from __future__ import annotations

from typing import Final

from tfserver.capacity import WORDS
from tfserver.credentials import Content, Kind, Slots, slots_of
from tfserver.people.fitting import Target
from tfserver.person import Credential
from tfserver.plan import Reason

_UNSAID: Final = frozenset({Kind.FACE, Kind.PALM})
Refusal = tuple[Reason, str]


def refusal(target: Target, credential: Credential) -> Refusal | None:
    """Why a credential can't be on a terminal, or None when it can, if there is room."""
    slots = slots_of(credential.backupnum)
    if slots is None:
        return Reason.SLOT, f"nobody has defined what backupnum {credential.backupnum} is"
    missing = _missing(target, slots.kind)
    if missing:
        return Reason.SENSOR, missing
    if slots.content is Content.PHOTO:
        return _photo(target, credential)
    if slots.content is Content.TEMPLATE:
        return _template(target, credential, slots)
    return None


def _missing(target: Target, kind: Kind) -> str:
    room, things = target.capacity.get(kind), WORDS[kind][1]
    if room is None:
        return f"it does not say that it takes {things}" if kind in _UNSAID else ""
    return "" if room.size else f"it takes no {things}"


def _photo(target: Target, credential: Credential) -> Refusal | None:
    # what is kept is base64 text
    size = credential.bytes // 4 * 3
    if credential.bytes <= (target.most_photo_bytes + 2) // 3 * 4:
        return None
    return Reason.PHOTO, f"the photo has about {size} bytes, and it takes {target.most_photo_bytes}"


def _template(target: Target, credential: Credential, slots: Slots) -> Refusal | None:
    made = credential.made
    if not made.fpalgo or not target.fpalgo:
        whose = "of the template" if not made.fpalgo else "of the terminal"
        return Reason.ALGORITHM, f"the algorithm {whose} is not known"
    if made.fpalgo != target.fpalgo:
        return Reason.ALGORITHM, f"made with {made.fpalgo}, and it reads {target.fpalgo}"
    if slots.kind is Kind.FINGERPRINT or (made.model and made.model == target.model):
        return None
    by, this = (name or "a model nobody knows" for name in (made.model, target.model))
    return Reason.MODEL, f"made by {by}, and this is {this}"
