/* Charts and maps drawn from the tables of the page: what is seen is what a screen reader reads.
   No outside request: outlines come from this server, there are no tiles. */
(() => {
  "use strict";
  const root = document.documentElement;
  const isRtl = root.dir === "rtl";
  const font = getComputedStyle(document.body).fontFamily;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const rowsOf = (id) => [...document.querySelectorAll(`#${CSS.escape(id)} tbody tr`)].map((row) => ({
    ...row.dataset, value: Number(row.dataset.value), link: row.querySelector("a")?.href,
  }));

  function drawBars(place) {
    let rows = rowsOf(place.dataset.source).slice(0, 14);
    if (!rows.length) { place.hidden = true; return; }
    place.style.height = `${Math.max(9, rows.length * (root.lang === "ur" ? 3 : 2.3) + 1.5)}rem`;
    const chart = echarts.init(place, null, { renderer: "canvas" });
    let text = new Map(rows.map((row) => [row.name, row.text]));
    const wide = Math.min(place.clientWidth * 0.42, 230);
    chart.setOption({
      animation: !isStill, animationDuration: 350, textStyle: { fontFamily: font },
      grid: { left: isRtl ? 70 : wide + 14, right: isRtl ? wide + 14 : 70, top: 4, bottom: 4 },
      xAxis: { type: "value", inverse: isRtl, show: false },
      yAxis: { type: "category", inverse: true, position: isRtl ? "right" : "left", data: rows.map((row) => row.name), axisTick: { show: false },
        axisLine: { show: false }, axisLabel: { color: "#17282b", fontSize: 13, width: wide, overflow: "truncate", lineHeight: root.lang === "ur" ? 34 : 18 } },
      tooltip: { trigger: "item", renderMode: "richText", formatter: (item) => `${item.name}: ${text.get(item.name)}`, textStyle: { fontFamily: font } },
      series: [{ type: "bar", data: rows.map((row) => row.value), barMaxWidth: 18, itemStyle: { color: "#17756f", borderRadius: isRtl ? [4, 0, 0, 4] : [0, 4, 4, 0] },
        label: { show: true, position: isRtl ? "left" : "right", color: "#17282b", fontSize: 13, formatter: (item) => text.get(item.name) } }],
    });
    chart.on("click", (item) => { const row = rows[item.dataIndex]; if (row.link) location.href = row.link; });
    new ResizeObserver(() => chart.resize()).observe(place);
    document.addEventListener("khana:figures", () => {
      rows = rowsOf(place.dataset.source).slice(0, 14);
      text = new Map(rows.map((row) => [row.name, row.text]));
      chart.setOption({ yAxis: { data: rows.map((row) => row.name) }, series: [{ data: rows.map((row) => row.value) }] });
    });
  }

  /* A line a series over time; the table's rows say day, series and value. */
  function drawLines(place) {
    const rows = rowsOf(place.dataset.source);
    const days = [...new Set(rows.map((row) => row.name))];
    if (days.length < 2) { place.hidden = true; return; }
    const names = [...new Set(rows.map((row) => row.series))];
    const chart = echarts.init(place, null, { renderer: "canvas" });
    const at = (name, day) => rows.find((row) => row.series === name && row.name === day);
    const axis = { axisLabel: { color: "#17282b", fontSize: 12 }, axisLine: { lineStyle: { color: "#8aa" } } };
    chart.setOption({
      animation: !isStill, animationDuration: 350, textStyle: { fontFamily: font },
      color: ["#17756f", "#b45309", "#1f5f99", "#7a3e9d"],
      grid: { left: 64, right: 24, top: 16, bottom: 30 },
      xAxis: { type: "category", inverse: isRtl, data: days, ...axis },
      yAxis: { type: "value", scale: true, position: isRtl ? "right" : "left", splitLine: { lineStyle: { color: "#e3eaea" } }, ...axis,
        axisLabel: { ...axis.axisLabel, formatter: (value) => place.dataset.unit === "share" ? `${Math.round(value * 1000) / 10} %` : value.toLocaleString(root.lang) } },
      tooltip: { trigger: "item", renderMode: "richText", formatter: (item) => `${item.seriesName}, ${item.name}: ${at(item.seriesName, item.name)?.text ?? ""}` },
      series: names.map((name) => ({ type: "line", name, symbolSize: 8, connectNulls: false, data: days.map((day) => { const row = at(name, day); return row && row.known !== "no" ? row.value : null; }) })),
    });
    new ResizeObserver(() => chart.resize()).observe(place);
  }

  /* TopoJSON 1.0 to GeoJSON: arcs are steps from point to point, a negative number walks one backwards. */
  function unfolded(document) {
    const { scale, translate } = document.transform ?? { scale: [1, 1], translate: [0, 0] };
    const lines = document.arcs.map((steps) => {
      let x = 0, y = 0;
      return steps.map(([dx, dy]) => { x += dx; y += dy; return [x * scale[0] + translate[0], y * scale[1] + translate[1]]; });
    });
    const ring = (arcs) => arcs.reduce((points, number) => {
      const line = number >= 0 ? lines[number] : [...lines[~number]].reverse();
      return points.concat(points.length ? line.slice(1) : line);
    }, []);
    const features = Object.values(document.objects).flatMap((one) => one.geometries).map((one) => ({
      type: "Feature", properties: one.properties,
      geometry: { type: one.type, coordinates: one.type === "Polygon" ? one.arcs.map(ring) : one.arcs.map((part) => part.map(ring)) },
    }));
    return { type: "FeatureCollection", features };
  }

  async function drawMap(place) {
    let rows = new Map(rowsOf(place.dataset.source).map((row) => [row.code, row]));
    let shapes;
    try {
      const answer = await fetch(place.dataset.outlines, { headers: { Accept: "application/geo+json" } });
      shapes = answer.ok ? await answer.json() : { features: [] };
      if (shapes.type === "Topology") shapes = unfolded(shapes);
    } catch { shapes = { features: [] }; }
    if (!shapes.features.length) {
      place.classList.add("k-map-none"); place.textContent = place.dataset.empty; place.removeAttribute("role");
      place.closest("section").querySelectorAll("details:has(#by-area)").forEach((more) => { more.open = true; });
      return;
    }
    const map = L.map(place, { attributionControl: false, zoomControl: false, scrollWheelZoom: false, keyboard: false, zoomSnap: 0.1, dragging: !L.Browser.mobile, doubleClickZoom: false, boxZoom: false });
    const plain = { color: "#ffffff", weight: 1.2, fillOpacity: 1 };
    const layer = L.geoJSON(shapes, {
      style: (shape) => ({ ...plain, fillColor: rows.get(shape.properties.code)?.shade ?? "#dfe6e5" }),
      onEachFeature: (shape, part) => {
        const row = rows.get(shape.properties.code);
        if (!row) return;
        part.bindTooltip(() => {
          const now = rows.get(shape.properties.code), words = document.createElement("span");
          words.textContent = now ? `${now.name}: ${now.text}` : "";
          return words;
        }, { sticky: true, className: "k-map-label", direction: "top", opacity: 1 });
        part.on("mouseover", () => { part.setStyle({ color: "#17282b", weight: 2 }); part.bringToFront(); });
        part.on("mouseout", () => part.setStyle({ color: plain.color, weight: plain.weight }));
        part.on("click", () => { if (row.link) location.href = row.link; });
      },
    }).addTo(map);
    // as high as the land is, within reason: a wide country needs no tall box
    const bounds = layer.getBounds();
    const [low, high] = [map.project(bounds.getSouthWest(), 6), map.project(bounds.getNorthEast(), 6)];
    const shape = Math.abs(low.y - high.y) / Math.max(1, Math.abs(high.x - low.x));
    place.style.height = `${Math.round(Math.min(416, Math.max(190, place.clientWidth * shape + 24)))}px`;
    const fit = () => { map.invalidateSize(); map.fitBounds(bounds, { padding: [10, 10], animate: false }); };
    fit();
    let width = place.clientWidth;
    new ResizeObserver(() => { if (place.clientWidth !== width) { width = place.clientWidth; fit(); } }).observe(place);
    place.dataset.drawn = "yes";
    document.addEventListener("khana:figures", () => {
      rows = new Map(rowsOf(place.dataset.source).map((row) => [row.code, row]));
      layer.setStyle((shape) => ({ fillColor: rows.get(shape.properties.code)?.shade ?? "#dfe6e5" }));
    });
  }

  const start = () => {
    document.querySelectorAll("[data-chart=bars]").forEach(drawBars);
    document.querySelectorAll("[data-chart=lines]").forEach(drawLines);
    document.querySelectorAll("#map").forEach(drawMap);
  };
  // canvas text is drawn once: wait for the script's own letters
  const letters = { ur: "ا", bn: "অ" }[root.lang] ?? "a";
  Promise.race([document.fonts.load(`13px ${font}`, letters), new Promise((done) => setTimeout(done, 1500))]).then(start, start);
})();
