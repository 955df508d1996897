(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = (theme) => { root.dataset.theme = theme; draw(); };
  const read = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  const config = () => ({
    background: "transparent",
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: { labelColor: read("--faint"), titleColor: read("--faint"), titleFontWeight: 500, gridColor: read("--line"),
            domainColor: read("--line"), tickColor: read("--line"), labelFontSize: 11, titleFontSize: 12 },
    legend: { labelColor: read("--ink"), titleColor: read("--faint"), orient: "bottom", columns: 5 },
    title: { color: read("--ink") },
    range: { category: root.dataset.theme === "dark"
      ? ["#6ea8e0", "#f2a65e", "#67c596", "#d58bd0", "#e0d060", "#8fd3d8", "#e88a8a", "#a9a1f0", "#b8b8b8", "#9bc27d"]
      : ["#2f6fb2", "#d9772b", "#2a8f5c", "#a2489c", "#a38a00", "#2b8c93", "#c04a4a", "#6257c4", "#7a7a7a", "#5f8a3c"] },
    line: { color: read("--accent"), strokeWidth: 2 }, bar: { color: read("--accent") },
    circle: { color: read("--accent") }, point: { color: read("--accent"), filled: true }, rule: { color: read("--faint") },
  });

  function draw() {
    const held = document.getElementById("charts");
    if (!held) return;
    const specs = new Map(JSON.parse(held.textContent).map((chart) => [chart.id, chart.spec]));
    for (const place of document.querySelectorAll("[data-chart]")) {
      const spec = { width: "container", height: 260, autosize: { type: "fit-x", contains: "padding" }, ...specs.get(place.dataset.chart) };
      vegaEmbed(place, spec, { mode: "vega-lite", actions: false, renderer: "svg", config: config() }).catch((error) => {
        place.textContent = `This chart cannot be drawn: ${error.message}`;
        place.classList.add("broken");
      });
    }
  }

  dark.addEventListener("change", (event) => apply(event.matches ? "dark" : "light"));
  document.getElementById("theme").addEventListener("click", () => apply(root.dataset.theme === "dark" ? "light" : "dark"));
  apply(dark.matches ? "dark" : "light");
})();
