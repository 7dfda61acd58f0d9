// The connection to the program: messages come and go as JSON. A connection that is lost is made again.

const LONGEST_PAUSE = 10; // seconds between two attempts
const RESTING = 60000; // milliseconds for which a page is hidden until it takes no more
const SILENCE = 15000; // milliseconds without a message; the server says something every five seconds

export class Live {
  // Connect. `hear` is called with each message, `changed` with true or false when the connection is made or lost.
  constructor({ hear, changed }) {
    this.hear = hear;
    this.changed = changed;
    this.pause = 1;
    this.connect();
    // A network that goes away, or a phone that sleeps, closes nothing.
    setInterval(() => this.lookAtClock(), SILENCE / 3);
    document.addEventListener("visibilitychange", () => this.lookAtClock());
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/live`);
    this.socket = socket;
    this.heardAt = Date.now();
    socket.addEventListener("open", () => {
      this.pause = 1;
      this.changed(true);
    });
    socket.addEventListener("message", (event) => {
      this.heardAt = Date.now();
      this.hear(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => this.lost(socket));
  }

  lookAtClock() {
    if (this.socket !== null && Date.now() - this.heardAt > SILENCE) {
      const { socket } = this;
      this.lost(socket);
      socket.close();
    }
  }

  lost(socket) {
    if (socket !== this.socket) {
      return; // it was given up before
    }
    this.socket = null;
    this.changed(false);
    this.askForPage();
    setTimeout(() => this.connect(), 1000 * this.pause);
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
  }

  // Show the server's sentence if our link is no longer good: a WebSocket does not tell why it was refused.
  async askForPage() {
    try {
      const { status } = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout?.(SILENCE) });
      if (status === 403) {
        location.reload();
      }
    } catch {
      // The server cannot be reached.
    }
  }

  // Take no pictures while nobody can see the page, for pages on which nobody plays.
  restWhileHidden() {
    const look = () => {
      clearInterval(this.resting);
      if (document.hidden) {
        this.resting = setInterval(() => this.rest(), RESTING);
      } else if (this.isResting) {
        this.isResting = false;
        this.connect();
      }
    };
    document.addEventListener("visibilitychange", look);
    look();
  }

  rest() {
    if (this.socket !== null) {
      const { socket } = this;
      this.socket = null;
      this.isResting = true;
      socket.close();
    }
  }

  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }
}
