/* Charts and maps drawn from the tables of the page: what is seen is what a screen reader reads.
   Drawn as plain elements and paths, with no library: a cheap laptop reads nothing but this file, and letters are the page's own.
   Whoever wants to move a map has a button, and only then is Leaflet read (maps.js).
   No outside request: outlines come from this server, there are no tiles. */
(() => {
  "use strict";
  const root = document.documentElement;
  const isRtl = root.dir === "rtl";
  const files = document.currentScript.dataset;
  const COLOURS = ["#17756f", "#b45309", "#1f5f99", "#7a3e9d"];
  const rowsOf = (id) => [...document.querySelectorAll(`#${CSS.escape(id)} tbody tr`)].map((row) => ({
    ...row.dataset, value: Number(row.dataset.value), link: row.querySelector("a")?.href,
  }));
  const element = (name, kind = "", text = "") => {
    const made = document.createElement(name);
    made.className = kind; made.textContent = text;
    return made;
  };
  const drawn = (name, known = {}) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(known)) made.setAttribute(key, value);
    return made;
  };

  /* One label that follows the pointer over a place; `told` gives its words for what is under it. */
  function labelled(place, told) {
    const label = element("span", "k-map-label");
    label.hidden = true;
    place.append(label);
    place.addEventListener("pointermove", (event) => {
      const words = told(event.target);
      label.hidden = !words;
      if (!words) return;
      label.textContent = words;
      const box = place.getBoundingClientRect(), half = label.offsetWidth / 2;
      label.style.left = `${Math.max(0, Math.min(box.width - 2 * half, event.clientX - box.left - half))}px`;
      label.style.top = `${Math.max(0, event.clientY - box.top - label.offsetHeight - 10)}px`;
    });
    place.addEventListener("pointerleave", () => { label.hidden = true; });
  }

  /* A bar for each row: name, bar, figure; the page's own direction says from which side it grows. */
  function drawBars(place) {
    const show = () => {
      const rows = rowsOf(place.dataset.source).slice(0, 14), most = Math.max(...rows.map((row) => row.value), 0);
      place.hidden = !rows.length;
      place.replaceChildren(...rows.map((row) => {
        const line = element("div", "k-figure"), track = element("span", "k-figure-track"), bar = element("span", "k-figure-fill");
        bar.style.inlineSize = `${most > 0 ? Math.max(0, row.value) / most * 100 : 0}%`;
        track.append(bar, element("bdi", "k-figure-text", row.text));
        line.append(element("span", "k-figure-name", row.name), track);
        if (row.link) { line.classList.add("k-figure-opens"); line.addEventListener("click", () => { location.href = row.link; }); }
        return line;
      }));
    };
    show();
    document.addEventListener("khana:figures", show);
  }

  /* Round steps that part a range: 1, 2 or 5 times a power of ten. */
  function steps(low, high) {
    const wide = (high - low || Math.abs(high) || 1) / 4, power = 10 ** Math.floor(Math.log10(wide));
    const step = power * [1, 2, 5, 10].find((one) => one * power >= wide);
    const first = Math.floor(low / step), last = Math.max(Math.ceil(high / step), first + 1);
    return Array.from({ length: last - first + 1 }, (_, number) => (first + number) * step);
  }

  /* A line a series over time; the table's rows say day, series and value. */
  function drawLines(place) {
    const rows = rowsOf(place.dataset.source);
    const days = [...new Set(rows.map((row) => row.name))];
    const known = rows.filter((row) => row.known !== "no" && Number.isFinite(row.value));
    if (days.length < 2 || !known.length) { place.hidden = true; return; }
    const names = [...new Set(rows.map((row) => row.series))];
    const ticks = steps(Math.min(...known.map((row) => row.value)), Math.max(...known.map((row) => row.value)));
    const said = (value) => place.dataset.unit === "share" ? `${Math.round(value * 1000) / 10} %` : value.toLocaleString(root.lang);
    const show = () => {
      const wide = place.clientWidth, high = place.clientHeight, side = 64, end = 24;
      if (!wide || !high) return;
      const across = (day) => {
        const from = side + (days.indexOf(day) + 0.5) / days.length * (wide - side - end);
        return isRtl ? wide - from : from;
      };
      const up = (value) => high - 30 - (value - ticks[0]) / (ticks.at(-1) - ticks[0]) * (high - 46);
      const picture = drawn("svg", { width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, direction: "ltr", "aria-hidden": "true" });
      for (const tick of ticks) {
        picture.append(drawn("line", { x1: isRtl ? end : side, x2: isRtl ? wide - side : wide - end, y1: up(tick), y2: up(tick), class: "k-chart-grid" }));
        const words = drawn("text", { x: isRtl ? wide - side + 8 : side - 8, y: up(tick) + 4, "text-anchor": isRtl ? "start" : "end" });
        words.textContent = said(tick);
        picture.append(words);
      }
      // as many days as there is room for, the last one always
      const every = Math.ceil(days.length / Math.max(2, Math.floor((wide - side - end) / 110)));
      days.forEach((day, number) => {
        if ((days.length - 1 - number) % every) return;
        const words = drawn("text", { x: across(day), y: high - 8, "text-anchor": "middle", direction: root.dir || "ltr" });
        words.textContent = day;
        picture.append(words);
      });
      names.forEach((name, number) => {
        const colour = COLOURS[number % COLOURS.length];
        let path = "", isOn = false;
        for (const day of days) {
          const row = known.find((one) => one.series === name && one.name === day);
          if (row) path += `${isOn ? "L" : "M"}${across(day).toFixed(1)} ${up(row.value).toFixed(1)}`;
          isOn = Boolean(row);
        }
        picture.append(drawn("path", { d: path, fill: "none", stroke: colour, "stroke-width": 2 }));
        for (const row of known.filter((one) => one.series === name)) {
          const dot = drawn("circle", { cx: across(row.name), cy: up(row.value), r: 4.5, fill: "#fff", stroke: colour, "stroke-width": 2 });
          dot.dataset.said = `${name}, ${row.name}: ${row.text}`;
          picture.append(dot);
        }
      });
      place.querySelector("svg")?.remove();
      place.prepend(picture);
    };
    show();
    labelled(place, (under) => under.dataset?.said ?? "");
    let width = place.clientWidth;
    new ResizeObserver(() => { if (place.clientWidth !== width) { width = place.clientWidth; show(); } }).observe(place);
  }

  /* Web Mercator in degrees, as maps of a country are known; north is up. */
  const placed = ([lng, lat]) => [lng, -Math.log(Math.tan(Math.PI / 4 + lat * Math.PI / 360)) * 180 / Math.PI];

  /* TopoJSON 1.0 or GeoJSON to areas of a code and rings of points: in TopoJSON arcs are steps from point to point, and a
     negative number walks one backwards. */
  function areasOf(document) {
    const parts = (shape) => shape.type === "MultiPolygon" ? shape : { coordinates: [shape.coordinates], arcs: [shape.arcs] };
    if (document.type !== "Topology") {
      return (document.features ?? []).map((one) => ({
        code: one.properties.code, rings: parts(one.geometry).coordinates.flat().map((ring) => ring.map(placed)),
      }));
    }
    const { scale, translate } = document.transform ?? { scale: [1, 1], translate: [0, 0] };
    const lines = document.arcs.map((walk) => {
      let x = 0, y = 0;
      return walk.map(([dx, dy]) => { x += dx; y += dy; return placed([x * scale[0] + translate[0], y * scale[1] + translate[1]]); });
    });
    const ring = (arcs) => arcs.flatMap((number) => number >= 0 ? lines[number] : [...lines[~number]].reverse());
    return Object.values(document.objects).flatMap((one) => one.geometries)
      .map((one) => ({ code: one.properties.code, rings: parts(one).arcs.flat().map(ring) }));
  }

  const load = (name, known) => new Promise((done, failed) => {
    const made = Object.assign(document.createElement(name), known, { onload: done, onerror: failed });
    document.head.append(made);
  });

  /* A button over the map reads Leaflet and puts a map in its place that moves and grows. */
  function movable(place, areas, rowUnder) {
    const button = element("button", "btn btn-sm k-map-move k-noprint", files.words);
    button.type = "button";
    place.after(button);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await Promise.all([load("link", { rel: "stylesheet", href: files.style }), load("script", { src: files.leaflet })]);
        await load("script", { src: files.maps });
        window.khanaMap(place, areas, rowUnder, files);
        button.remove();
      } catch { button.disabled = false; }
    });
  }

  async function drawMap(place) {
    let areas = [];
    try {
      const answer = await fetch(place.dataset.outlines, { headers: { Accept: "application/geo+json" } });
      if (answer.ok) areas = areasOf(await answer.json());
    } catch { areas = []; }
    const points = areas.flatMap((area) => area.rings.flat());
    if (!points.length) {
      place.classList.add("k-map-none"); place.textContent = place.dataset.empty; place.removeAttribute("role");
      place.closest("section").querySelectorAll("details:has(#by-area)").forEach((more) => { more.open = true; });
      return;
    }
    let rows = new Map(rowsOf(place.dataset.source).map((row) => [row.code, row]));
    let [left, top, right, low] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const [x, y] of points) { left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); low = Math.max(low, y); }
    // whole numbers on a box a thousand wide: short paths, and finer than the screen
    const scale = 2000 / Math.max(right - left, low - top, 1e-9), size = [(right - left) * scale, (low - top) * scale];
    const path = (ring) => {
      let text = "", before = "";
      for (const [x, y] of ring) {
        const now = `${Math.round((x - left) * scale)} ${Math.round((y - top) * scale)}`;
        if (now !== before) text += `${before ? "L" : "M"}${now}`;
        before = now;
      }
      return `${text}Z`;
    };
    const picture = drawn("svg", { viewBox: `0 0 ${Math.round(size[0]) || 1} ${Math.round(size[1]) || 1}`, "aria-hidden": "true" });
    for (const area of areas) {
      const shape = drawn("path", { d: area.rings.map(path).join(""), fill: rows.get(area.code)?.shade ?? "#dfe6e5" });
      shape.dataset.area = area.code;
      if (rows.get(area.code)?.link) shape.classList.add("k-map-opens");
      picture.append(shape);
    }
    // as high as the land is, within reason: a wide country needs no tall box
    const fit = () => { place.style.height = `${Math.round(Math.min(416, Math.max(190, place.clientWidth * size[1] / (size[0] || 1) + 24)))}px`; };
    fit();
    place.replaceChildren(picture);
    const rowUnder = (under) => rows.get(under.dataset?.area);
    labelled(place, (under) => { const row = rowUnder(under); return row ? `${row.name}: ${row.text}` : ""; });
    picture.addEventListener("pointerover", (event) => { if (rowUnder(event.target) && picture.lastChild !== event.target) picture.append(event.target); });
    picture.addEventListener("click", (event) => { const row = rowUnder(event.target); if (row?.link) location.href = row.link; });
    let width = place.clientWidth;
    new ResizeObserver(() => { if (place.clientWidth !== width) { width = place.clientWidth; fit(); } }).observe(place);
    place.dataset.drawn = "yes";
    movable(place, areas, rowUnder);
    document.addEventListener("khana:figures", () => {
      rows = new Map(rowsOf(place.dataset.source).map((row) => [row.code, row]));
      for (const shape of picture.children) shape.setAttribute("fill", rows.get(shape.dataset.area)?.shade ?? "#dfe6e5");
    });
  }

  document.querySelectorAll("[data-chart=bars]").forEach(drawBars);
  document.querySelectorAll("[data-chart=lines]").forEach(drawLines);
  document.querySelectorAll("#map").forEach(drawMap);
})();
