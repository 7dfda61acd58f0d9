// How people play: keys, fingers, mouse and gamepads. All become one of two messages to the server,
// {hold: "up" | "down" | null} and {to: y of the court}.
//
// Keys are known by their place on the keyboard, so W and S are one above the other on every layout.

const MOVES = { KeyW: "up", ArrowUp: "up", KeyS: "down", ArrowDown: "down" };
const AGAIN = 1000; // milliseconds after which a held move is said again: silence would lose the paddle
const POINTING = 33; // milliseconds between two places that a finger points at
const TILTED = 0.35; // of a stick; less is its middle
const START = 9; // a gamepad's buttons, in the browsers' standard layout
const CROSS_UP = 12;
const CROSS_DOWN = 13;

export class Controls {
  // Begin to listen. `say` sends a message; `wants` is called when somebody moves who may have no paddle yet,
  // and returns whether there is any use in it; `pause` is called for a gamepad's Start.
  constructor({ say, wants, pause }) {
    Object.assign(this, { say, wants, pause });
    this.keys = []; // held, the last one pressed is the last
    this.pointer = null; // that is down
    this.pointed = null; // says where it points, if it has moved
    this.said = { hold: null };
    this.saidAt = 0;
    this.startWasDown = false;
    window.addEventListener("keydown", (event) => this.press(event));
    window.addEventListener("keyup", (event) => this.release(event));
    window.addEventListener("blur", () => this.letGo()); // the keys' releases go to another window
  }

  // Let fingers and the mouse steer on an element, whose height stands for the court's.
  watch(element) {
    const point = (event) => this.point(element, event);
    element.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && this.wants()) {
        this.pointer = event.pointerId;
        this.pointed = null;
        element.setPointerCapture(event.pointerId);
        point(event);
      }
    });
    element.addEventListener("pointermove", (event) => {
      if (event.pointerId === this.pointer) {
        this.pointed = () => point(event); // the last one of a gesture counts too
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      element.addEventListener(end, (event) => {
        if (event.pointerId === this.pointer) {
          this.pointer = this.pointed = null;
          this.send({ hold: null });
        }
      });
    }
  }

  point(element, event) {
    const box = element.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientY - box.top) / box.height, 0), 1);
    this.send({ to: Math.round(share * 500) });
  }

  press(event) {
    if (!(event.code in MOVES) || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const isArrow = event.code.startsWith("Arrow");
    if (!this.wants({ asks: !isArrow })) {
      return; // the arrows scroll the page
    }
    event.preventDefault();
    if (!event.repeat) {
      this.keys.push(event.code);
      this.sendKeys();
    }
  }

  release(event) {
    if (this.keys.includes(event.code)) {
      this.keys = this.keys.filter((code) => code !== event.code);
      this.sendKeys();
    }
  }

  letGo() {
    this.keys = [];
    this.pointer = this.pointed = null;
    this.send({ hold: null });
  }

  sendKeys() {
    const code = this.keys.at(-1);
    this.send({ hold: code === undefined ? null : MOVES[code] });
  }

  send(message) {
    this.said = message;
    this.saidAt = performance.now();
    this.say(message);
  }

  // Look at the gamepads, and say again what is held; once for each picture.
  poll() {
    this.lookAtGamepads();
    if (this.pointed !== null && performance.now() - this.saidAt > POINTING) {
      this.pointed();
      this.pointed = null;
    }
    if (this.said.hold !== null && performance.now() - this.saidAt > AGAIN) {
      this.send(this.said);
    }
  }

  lookAtGamepads() {
    const pads = navigator.getGamepads ? [...navigator.getGamepads()].filter(Boolean) : [];
    const move = pads.map(moveOf).find((each) => each !== null) ?? null;
    if (move !== (this.tilted ?? null)) {
      this.tilted = move;
      if (move === null || this.wants()) {
        this.send({ hold: move });
      }
    }
    const start = pads.some((pad) => pad.buttons[START]?.pressed);
    if (start && !this.startWasDown) {
      this.pause();
    }
    this.startWasDown = start;
  }
}

function moveOf(pad) {
  const tilt = pad.axes[1] ?? 0;
  if (pad.buttons[CROSS_UP]?.pressed || tilt < -TILTED) {
    return "up";
  }
  if (pad.buttons[CROSS_DOWN]?.pressed || tilt > TILTED) {
    return "down";
  }
  return null;
}
