(function () {
  "use strict";
  var root = document.documentElement;
  var theme = document.getElementById("theme");
  var dark = function () {
    var set = root.getAttribute("data-theme");
    return set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  var name = function () { theme.textContent = dark() ? "Light theme" : "Dark theme"; };
  theme.hidden = false;
  name();
  theme.addEventListener("click", function () {
    root.setAttribute("data-theme", dark() ? "light" : "dark");
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);

  var select = function (pre) {
    var range = document.createRange();
    range.selectNodeContents(pre);
    var selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  document.querySelectorAll(".command").forEach(function (command) {
    var pre = command.querySelector("pre");
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy the command");
    var say = function (text) {
      button.textContent = text;
      setTimeout(function () { button.textContent = "Copy"; }, 2000);
    };
    button.addEventListener("click", function () {
      if (navigator.clipboard) {
        navigator.clipboard.writeText(pre.textContent).then(
          function () { say("Copied"); }, function () { select(pre); say("Selected"); });
      } else {
        select(pre);
        say("Selected");
      }
    });
    command.classList.add("copies");
    command.appendChild(button);
  });

  var opened = [];
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach(function (one) { one.open = true; opened.push(one); });
  });
  addEventListener("afterprint", function () {
    opened.forEach(function (one) { one.open = false; });
    opened = [];
  });
})();
