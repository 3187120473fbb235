// Loaded before a Node server that would listen on every interface, and go on when who started it is gone.
const { Server } = require("node:net");
const { listen } = Server.prototype;

Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, port, "127.0.0.1", ...rest.filter((one) => typeof one === "function"));
};

process.stdin.on("end", () => process.exit()).resume();
