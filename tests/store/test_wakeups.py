"""Wake-ups: heard by every listener, also after the server was away."""

from __future__ import annotations

from tests.store.connected import StoreCase, until
from tfserver.store.client import Client


class WakeUpTests(StoreCase):
    """One client listens, others call."""

    def listen(self, client: Client, *channels: str) -> list[tuple[str, str]]:
        """What a client hears from now on."""
        heard: list[tuple[str, str]] = []
        client.listen(list(channels), lambda channel, text: heard.append((channel, text)))
        return heard

    async def heard_by(self, count: int) -> None:
        """Wait until that many listen to the first channel."""
        await until(lambda: f":{count}\r\n" in self.store.ask("PUBSUB NUMSUB tf:wake"), "it is subscribed")

    async def test_arrive_unchanged(self) -> None:
        """Each message comes once, in order, with its channel and its text as sent."""
        one, other = await self.connect(), await self.connect()
        heard = self.listen(one, "tf:wake", "tf:wake:me/1")
        await self.heard_by(1)
        said = [("tf:wake", "0012"), ("tf:wake:me/1", "lease ZXAB1"), ("tf:wake", "Zoë"), ("tf:wake", "")]
        for channel, text in said:
            await other.write("PUBLISH", channel, text)
        await other.write("PUBLISH", "tf:wake:someone", "else")
        await other.write("PUBLISH", "tf:wake", "end")
        await until(lambda: ("tf:wake", "end") in heard, "the last one arrived")
        self.assertEqual(heard, [*said, ("tf:wake", "end")])

    async def test_own_messages(self) -> None:
        """A process hears itself too: the way of a command is the same for every owner."""
        client = await self.connect()
        heard = self.listen(client, "tf:wake")
        await self.heard_by(1)
        await client.write("PUBLISH", "tf:wake", "change T1")
        await until(lambda: heard == [("tf:wake", "change T1")], "it arrived")

    async def test_after_a_restart(self) -> None:
        """A listener subscribes again when the server is back."""
        client = await self.connect()
        heard = self.listen(client, "tf:wake")
        await self.heard_by(1)
        self.store.kill()
        await until(lambda: not client.ready, "the client knows")
        self.store.start()
        await self.back(client)
        await self.heard_by(1)
        await client.write("PUBLISH", "tf:wake", "again")
        await until(lambda: heard == [("tf:wake", "again")], "it arrived")

    async def test_with_a_user(self) -> None:
        """A listener logs in before it subscribes."""
        self.tell("ACL SETUSER gate on >right ~tf:* &tf:* +@all")
        client = await self.connect(f"unix://gate:right@{self.store.socket}")
        heard = self.listen(client, "tf:wake")
        await self.heard_by(1)
        self.assertIn("user=gate", self.tell("CLIENT LIST TYPE pubsub"))
        await client.write("PUBLISH", "tf:wake", "hello")
        await until(lambda: bool(heard), "it arrived")

    async def test_subscription_refused_for_a_while(self) -> None:
        """A listener that may not subscribe yet tries again until it may."""
        self.tell("ACL SETUSER gate on >right ~tf:* +@all resetchannels")
        client = await self.connect(f"unix://gate:right@{self.store.socket}")
        heard = self.listen(client, "tf:wake")
        await until(lambda: "tf:wake" in self.tell("ACL LOG"), "it has asked, and was refused")
        self.tell("ACL SETUSER gate &tf:*")
        await self.heard_by(1)
        await client.write("PUBLISH", "tf:wake", "hello")
        await until(lambda: bool(heard), "it arrived")
