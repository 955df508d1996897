"use strict";
(() => {
  const EVERY = 10000;
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const shown = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const button = document.getElementById("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = shown() === "dark" ? "light" : "dark";
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
  });

  // Parts that change by themselves are fetched again with the page, and put in the place of those that differ.
  const live = () => [...document.querySelectorAll("[data-live]")];
  async function refresh() {
    if (document.hidden || !live().length) return;
    let page;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, redirect: "error" });
      if (!answer.ok) return;
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      return;  // The server may be back the next time.
    }
    for (const part of live()) {
      const found = page.getElementById(part.id);
      // Whoever is at a link of it is left there.
      if (found && found.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) part.innerHTML = found.innerHTML;
    }
  }
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
})();
