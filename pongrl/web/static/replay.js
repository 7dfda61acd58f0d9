// A match that is watched again. Its recording has six numbers for each tick: the ball's x and y, y of the left
// and the right paddle, and the score.

const COLUMNS = 6;
const TICKS_PER_SECOND = 60;
const LONGEST_FRAME = 200; // milliseconds; after a longer pause, of a page in the background, it goes on from there

export class Replay {
  constructor() {
    this.numbers = new Int16Array(0);
    this.tick = 0; // where it is; with a fraction
    this.speed = 1;
    this.isRunning = false;
    this.lookedAt = 0;
  }

  // Load a recording. Returns a sentence if that is not possible, else nothing.
  async load(number) {
    try {
      const response = await fetch(`/replay/${number}`, { signal: AbortSignal.timeout?.(30_000) });
      if (!response.ok) {
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        return page.querySelector("p")?.textContent ?? "this match cannot be loaded";
      }
      const data = await response.arrayBuffer();
      this.numbers = new Int16Array(data, 0, COLUMNS * Math.floor(data.byteLength / (2 * COLUMNS)));
      return this.ticks === 0 ? "this recording is empty" : "";
    } catch {
      return "the arena cannot be reached";
    }
  }

  get ticks() {
    return this.numbers.length / COLUMNS;
  }

  get isOver() {
    return this.tick >= this.ticks - 1;
  }

  // Where everything is now, as six numbers.
  get place() {
    const start = COLUMNS * Math.floor(this.tick);
    return this.numbers.subarray(start, start + COLUMNS);
  }

  run() {
    if (this.isOver) {
      this.tick = 0;
    }
    this.isRunning = true;
    this.lookedAt = performance.now();
  }

  pause() {
    this.isRunning = false;
  }

  go(tick) {
    this.tick = Math.min(Math.max(tick, 0), Math.max(this.ticks - 1, 0));
  }

  // Go on, by the time that has passed since the last call.
  advance(now) {
    if (this.isRunning) {
      const milliseconds = Math.min(Math.max(now - this.lookedAt, 0), LONGEST_FRAME);
      this.lookedAt = now;
      this.go(this.tick + (milliseconds / 1000) * TICKS_PER_SECOND * this.speed);
      this.isRunning = !this.isOver;
    }
  }
}

// Write a number of ticks as minutes and seconds.
export function clock(ticks) {
  const seconds = Math.floor(ticks / TICKS_PER_SECOND);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
