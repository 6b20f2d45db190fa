// Peer: Node with ws, and ioredis when a store is given.
// node ws_peer.js [REDIS_SOCKET]   (modules from NODE_PATH); prints "ready PORT".
"use strict";
const { WebSocketServer } = require("ws");

const socket = process.argv[2];
let redis = null;
if (socket) {
  const Redis = require("ioredis");
  // What ioredis itself recommends for throughput: the commands of one turn of the loop in one pipeline.
  redis = new Redis(socket, { enableAutoPipelining: true });
}

let now = "";
const tick = () => { now = new Date().toISOString().slice(0, 19).replace("T", " "); };
tick();
setInterval(tick, 200);

const keep = (message) => Promise.all(message.record.map((record) =>
  redis.xadd("punches", "*", "sn", message.sn, "p", JSON.stringify(record))));

async function answer(ws, data) {
  const message = JSON.parse(data);
  if (message.cmd === "reg") {
    ws.send(JSON.stringify({ ret: "reg", result: true, cloudtime: now, nosenduser: true }));
    return;
  }
  if (redis) await keep(message);
  ws.send(JSON.stringify({
    ret: "sendlog", result: true, count: message.count, logindex: message.logindex, cloudtime: now,
  }));
}

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false, backlog: 4096 });
server.on("listening", () => console.log(`ready ${server.address().port}`));
server.on("connection", (ws) => {
  ws.on("error", () => ws.terminate());
  ws.on("message", (data) => answer(ws, data).catch(() => ws.terminate()));
});
