// The court: views come some dozen times a second, and are drawn at the screen's own rate.
//
// What is drawn lies a little in the past, so that there nearly always is a view before it and one after it.
// Between the two, ball and paddles move evenly. A ball that jumps (a new serve) is not moved through the court.

const BACKGROUND = "#0c0e14";
const LINE = "#3c404c";
const WHITE = "#f0f0f0";
const BALL_COLOUR = "#ffc43c";
const JUMP = 160; // pixels; further than any ball flies between two views
const MOST_BEHIND = 200; // milliseconds that are drawn late at most
const KEPT = 20; // views

// A view as the server sends it: [time in ms, ball x, ball y, left y, right y, hits, bounces, points].
const [TIME, BALL_X, BALL_Y, LEFT, RIGHT, , , POINTS] = Array(8).keys();

export class Court {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.size = { court: [700, 500], paddle: [10, 100], ball: 10 };
    this.views = [];
    this.ahead = Infinity; // how far the server's clock is behind ours, by the view that came fastest
    this.interval = 33; // milliseconds between two views, on the average
    this.interpolates = true;
    new ResizeObserver(() => this.fit()).observe(canvas);
    this.fit();
  }

  fit() {
    const sharpness = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(Math.round(this.canvas.clientWidth * sharpness), 1);
    this.canvas.height = Math.max(Math.round(this.canvas.clientHeight * sharpness), 1);
    this.draw();
  }

  // Take a view that has just come.
  take(view) {
    const last = this.views.at(-1);
    if (last !== undefined) {
      const interval = Math.min(view[TIME] - last[TIME], MOST_BEHIND);
      this.interval += (interval - this.interval) * 0.1;
    }
    this.ahead = Math.min(this.ahead + 0.05, performance.now() - view[TIME]); // clocks drift
    this.views.push(view);
    if (this.views.length > KEPT) {
      this.views.shift();
    }
  }

  forget() {
    this.views = [];
    this.ahead = Infinity;
  }

  // Return the view to draw now; undefined before the first one.
  now() {
    const views = this.views;
    if (!this.interpolates || views.length < 2) {
      return views.at(-1);
    }
    const behind = Math.min(1.5 * this.interval + 8, MOST_BEHIND);
    const time = performance.now() - this.ahead - behind;
    const after = views.findIndex((view) => view[TIME] > time);
    if (after < 1) {
      return after === 0 ? views[0] : views.at(-1);
    }
    return between(views[after - 1], views[after], time);
  }

  draw() {
    const { court, paddle, ball } = this.size;
    const pen = this.pen;
    const scale = this.canvas.width / court[0];
    const box = (x, y, width, height) => {
      const [left, top] = [Math.round(x * scale), Math.round(y * scale)];
      pen.fillRect(left, top, Math.round((x + width) * scale) - left, Math.round((y + height) * scale) - top);
    };
    pen.fillStyle = BACKGROUND;
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    pen.fillStyle = LINE;
    for (let y = 10; y < court[1] - 10; y += 30) {
      box(court[0] / 2 - 2, y, 4, 15);
    }
    const view = this.now();
    if (view === undefined) {
      return;
    }
    pen.fillStyle = WHITE;
    box(0, view[LEFT], ...paddle);
    box(court[0] - paddle[0], view[RIGHT], ...paddle);
    pen.fillStyle = BALL_COLOUR;
    box(view[BALL_X], view[BALL_Y], ball, ball);
  }
}

function between(before, after, time) {
  const share = (time - before[TIME]) / (after[TIME] - before[TIME]);
  const jumps = after[POINTS] !== before[POINTS] || Math.abs(after[BALL_X] - before[BALL_X]) > JUMP;
  const view = after.map((end, place) => before[place] + (end - before[place]) * share);
  if (jumps) {
    const near = share < 1 ? before : after;
    [view[BALL_X], view[BALL_Y]] = [near[BALL_X], near[BALL_Y]];
  }
  return view;
}
