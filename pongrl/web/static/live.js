// The connection to the program: messages come and go as JSON. A connection that is lost is made again.

const LONGEST_PAUSE = 10; // seconds between two attempts

export class Live {
  // Connect. `hear` is called with each message, `changed` with true or false when the connection is made or lost.
  constructor({ hear, changed }) {
    this.hear = hear;
    this.changed = changed;
    this.pause = 1;
    this.isOver = false;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}/live`);
    this.socket.addEventListener("open", () => {
      this.pause = 1;
      this.changed(true);
    });
    this.socket.addEventListener("message", (event) => this.hear(JSON.parse(event.data)));
    this.socket.addEventListener("close", () => this.lost());
  }

  lost() {
    this.changed(false);
    if (!this.isOver) {
      setTimeout(() => this.connect(), 1000 * this.pause);
      this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    }
  }

  // Do not connect again: the program has said that it ends.
  end() {
    this.isOver = true;
  }

  say(message) {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }
}
