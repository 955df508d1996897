(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 640px)");
  const apply = (theme) => { root.dataset.theme = theme; draw(); };
  const read = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  let libraries;

  const config = () => ({
    background: "transparent",
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: { labelColor: read("--faint"), titleColor: read("--faint"), titleFontWeight: 500, gridColor: read("--line"),
            domainColor: read("--line"), tickColor: read("--line"), labelFontSize: 11, titleFontSize: 12,
            labelLimit: narrow.matches ? 110 : 220, labelOverlap: "greedy", labelSeparation: 6 },
    legend: { labelColor: read("--ink"), titleColor: read("--faint"), orient: "bottom", columns: narrow.matches ? 2 : 4,
              labelLimit: 120, symbolLimit: 24, gradientLength: narrow.matches ? 120 : 200 },
    title: { color: read("--ink") },
    text: { color: read("--ink") },
    range: { category: root.dataset.theme === "dark"
      ? ["#6ea8e0", "#f2a65e", "#67c596", "#d58bd0", "#e0d060", "#8fd3d8", "#e88a8a", "#a9a1f0", "#b8b8b8", "#9bc27d"]
      : ["#2f6fb2", "#d9772b", "#2a8f5c", "#a2489c", "#a38a00", "#2b8c93", "#c04a4a", "#6257c4", "#7a7a7a", "#5f8a3c"] },
    line: { color: read("--accent"), strokeWidth: 2 }, bar: { color: read("--accent") },
    style: { halo: { stroke: read("--card"), strokeWidth: 4, strokeJoin: "round" } }, circle: { color: read("--accent") }, point: { color: read("--accent"), filled: true }, rule: { color: read("--faint") },
  });

  async function unpack() {
    const packed = atob(document.getElementById("vega").textContent);
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  function broken(place, error) {
    place.textContent = `This chart cannot be drawn: ${error.message}`;
    place.classList.add("broken");
  }

  async function draw() {
    const held = document.getElementById("charts");
    if (!held) return;
    const places = [...document.querySelectorAll("[data-chart]")];
    const specs = new Map(JSON.parse(held.textContent).map((chart) => [chart.id, chart.spec]));
    try {
      await (libraries ??= unpack());
    } catch (error) {
      places.forEach((place) => broken(place, error));
      return;
    }
    for (const place of places) {
      const spec = { width: "container", height: 260, autosize: { type: "fit-x", contains: "padding" }, ...specs.get(place.dataset.chart) };
      vegaEmbed(place, spec, { mode: "vega-lite", actions: false, renderer: "svg", config: config() }).catch((error) => broken(place, error));
    }
  }

  // On a narrow screen each cell stands under the name of its column.
  for (const table of document.querySelectorAll(".stack > table, .tall > table")) {
    const names = [...table.querySelectorAll("thead th")].map((head) => head.textContent);
    for (const row of table.tBodies[0].rows) [...row.cells].forEach((cell, i) => { if (names[i]) cell.dataset.label = names[i]; });
  }

  dark.addEventListener("change", (event) => apply(event.matches ? "dark" : "light"));
  narrow.addEventListener("change", draw);
  document.getElementById("theme").addEventListener("click", () => apply(root.dataset.theme === "dark" ? "light" : "dark"));
  apply(dark.matches ? "dark" : "light");
})();
