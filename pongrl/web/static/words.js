// What is written on a page, and what is typed there.

// Write a text, unless it stands there already: a screen reader would say it again.
export function write(element, text) {
  if (element.textContent !== String(text)) {
    element.textContent = text;
  }
}

// Return the letter of a key, in lower case. With a Greek keyboard, say, it is the one that the place of the key has on
// a Latin one.
export function letterOf(event) {
  const isLatin = /^[\x20-\x7e]+$/.test(event.key);
  return (isLatin ? event.key : event.code.replace(/^Key/, "")).toLowerCase();
}
