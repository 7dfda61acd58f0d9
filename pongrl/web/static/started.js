// A classic script: it runs where the page's own module cannot.

setTimeout(function () {
  var place = document.getElementById("connection");
  if (place.textContent === "connecting") {
    place.textContent = "This page has not started: load it again, or use a newer browser.";
  }
}, 16000); // a connection that is not made is given up before that
