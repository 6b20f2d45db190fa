"""What can be asked about photos for terminals."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from tfserver.web.api import photos
from tfserver.web.route import API, OPERATOR, Route, Scope, ok
from tfserver.web.shapes_people import ShownCredential

PHOTOS: Final = (
    Route(
        method="POST",
        path=f"{API}/photos/check",
        name="check_photo",
        summary="Say what is wrong with a photo before it is sent to terminals; it is not kept",
        role=OPERATOR,
        scope=Scope.EVERYTHING,
        handler=photos.check,
        query=photos.PARAMETERS,
        body=photos.PhotoBody(),
        answers=ok(photos.PhotoChecked, "what is wrong with it"),
        yields=True,
    ),
    Route(
        method="PUT",
        path=f"{API}/users/{{enrollid}}/photo",
        name="put_photo",
        summary="Give a person a photo for the terminals, mended if need be",
        role=OPERATOR,
        scope=Scope.ALL_SITES,
        handler=photos.put,
        query=photos.PARAMETERS,
        body=photos.PhotoBody(),
        answers=ok(ShownCredential, "the credential as it is now"),
        refusals=(HTTPStatus.CONFLICT,),
        yields=True,
    ),
)
