// Socket.IO as its tutorials do it: what one client emits is emitted to everybody.
"use strict";
const { createServer } = require("node:http");
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  pingInterval: 600_000,
});

io.on("connection", (socket) => {
  socket.on("sample", (sample) => io.emit("sample", sample));
});

http.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
