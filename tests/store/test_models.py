"""What is learnt of kinds of terminals: silences in a row, and notes that one process makes."""

from __future__ import annotations

from unittest import mock

from twisted.internet.defer import Deferred, gatherResults

from tests.store.connected import StoreCase
from tfserver.store import models as models_module
from tfserver.store.models import MOST_SILENCES, NOTHING, Models, Note, Notes

KIND = ("tfs30", "th600w v6.4")
NOTES = Notes(1, {"gettime": Note("answered", True)}, to="inclusive", admin="text", msg=False)


class ModelsCase(StoreCase):
    """What several processes know."""

    async def models(self) -> Models:
        """As one process sees it."""
        self.client = await self.connect()
        return Models(self.client)


class SilenceTests(ModelsCase):
    """Commands that are not answered."""

    async def test_in_a_row(self) -> None:
        """After some silences in a row a command counts as unknown to its kind, and to no other."""
        models = await self.models()
        for count in range(1, MOST_SILENCES + 1):
            self.assertNotIn("getnewlog", (await models.get(*KIND)).silent)
            self.assertEqual(await models.was_silent(*KIND, "getnewlog"), count)
        self.assertEqual((await models.get(*KIND)).silent, {"getnewlog"})
        self.assertEqual(await models.get("tfs30", "th600w v6.5"), NOTHING)

    async def test_answer_between(self) -> None:
        """An answer begins the row anew."""
        models = await self.models()
        await models.was_silent(*KIND, "gettime")
        await models.was_silent(*KIND, "gettime")
        await models.has_answered(*KIND, "gettime")
        self.assertEqual((await models.get(*KIND)).silences, {})
        self.assertEqual(await models.was_silent(*KIND, "gettime"), 1)

    async def test_at_the_same_time(self) -> None:
        """Silences that two processes count at once are both counted."""
        one, two = await self.models(), await self.models()
        counts = [Deferred.fromCoroutine(models.was_silent(*KIND, "gettime")) for models in (one, two) * 5]
        self.assertEqual(sorted(await gatherResults(counts)), list(range(1, 11)))

    async def test_words_of_people(self) -> None:
        """Nothing is learnt of commands that only people order."""
        models = await self.models()
        self.assertEqual(await models.was_silent(*KIND, "opendoor"), 0)
        self.assertEqual(await self.client.read("HLEN", "tf:models"), 0)

    async def test_no_kind(self) -> None:
        """A terminal that tells neither model nor firmware is no kind."""
        models = await self.models()
        self.assertEqual(await models.was_silent("", " ", "gettime"), 0)
        self.assertFalse(await models.claim("", ""))
        self.assertEqual(await models.get("", ""), NOTHING)
        self.assertEqual(await self.client.read("EXISTS", "tf:models"), 0)

    async def test_odd_names(self) -> None:
        """Names with the sign that we divide by are told apart from others."""
        models = await self.models()
        await models.was_silent("a|b", "c", "gettime")
        self.assertEqual((await models.get("a", "b|c")).silences, {})
        self.assertEqual((await models.get("a|b", "c")).silences, {"gettime": 1})


class NotesTests(ModelsCase):
    """Notes on a dialect."""

    async def test_kept(self) -> None:
        """Notes come back as they were kept."""
        models = await self.models()
        await models.keep(*KIND, NOTES)
        self.assertEqual((await models.get(*KIND)).notes, NOTES)

    async def test_one_at_a_time(self) -> None:
        """Of several that want to make them one does; the next when the first never came back."""
        one, two = await self.models(), await self.models()
        claims = [Deferred.fromCoroutine(models.claim(*KIND)) for models in (one, two) * 3]
        self.assertEqual(sorted(await gatherResults(claims)), [False] * 5 + [True])
        with mock.patch.object(models_module, "CLAIM_MS", 0):
            await self.client.write("DEL", "tf:models")
            self.assertTrue(await one.claim(*KIND))
            self.assertTrue(await two.claim(*KIND))

    async def test_once(self) -> None:
        """What has notes is not claimed again, before they are old."""
        models = await self.models()
        now = int((await self.client.read("TIME"))[0]) * 1000
        self.assertTrue(await models.claim(*KIND))
        await models.keep(*KIND, Notes(now, {}))
        self.assertFalse(await models.claim(*KIND))
        await models.keep(*KIND, Notes(now - models_module.AGAIN_MS - 1000, {}))
        self.assertTrue(await models.claim(*KIND))

    async def test_bounded(self) -> None:
        """However many kinds come, no more is remembered than there is room for; what is known goes on."""
        models = await self.models()
        with mock.patch.object(models_module, "MOST_FIELDS", 2):
            self.assertEqual(await models.was_silent(*KIND, "gettime"), 1)
            self.assertTrue(await models.claim(*KIND))
            self.assertEqual(await models.was_silent("other", "v1", "gettime"), 0)
            self.assertFalse(await models.claim("other", "v1"))
            self.assertEqual(await models.was_silent(*KIND, "gettime"), 2)
        self.assertEqual(await self.client.read("HLEN", "tf:models"), 2)
