/* A map that moves and grows, in place of the still one of figures.js, which reads this file and Leaflet when a reader asks. */
window.khanaMap = (place, areas, rowUnder, words) => {
  "use strict";
  const code = (area) => ({ dataset: { area: area.code } });
  // figures.js hands over points as they lie on its picture: x in degrees, y in degrees of Mercator, south down
  const back = ([x, y]) => [(2 * Math.atan(Math.exp(-y * Math.PI / 180)) - Math.PI / 2) * 180 / Math.PI, x];
  place.replaceChildren();
  place.setAttribute("role", "application");
  const map = L.map(place, { attributionControl: false, zoomControl: false, zoomSnap: 0.25, scrollWheelZoom: false });
  L.control.zoom({ zoomInTitle: words.larger, zoomOutTitle: words.smaller }).addTo(map);
  const plain = { color: "#ffffff", weight: 1.2, fillOpacity: 1 };
  const shade = (area) => rowUnder(code(area))?.shade ?? "#dfe6e5";
  const parts = areas.map((area) => {
    const part = L.polygon(area.rings.map((ring) => ring.map(back)), { ...plain, fillColor: shade(area), fillRule: "evenodd" });
    part.bindTooltip(() => {
      const row = rowUnder(code(area)), said = document.createElement("span");
      said.textContent = row ? `${row.name}: ${row.text}` : "";
      return said;
    }, { sticky: true, className: "k-map-tip", direction: "top", opacity: 1 });
    part.on("mouseover", () => { part.setStyle({ color: "#17282b", weight: 2 }); part.bringToFront(); });
    part.on("mouseout", () => part.setStyle({ color: plain.color, weight: plain.weight }));
    part.on("click", () => { const row = rowUnder(code(area)); if (row?.link) location.href = row.link; });
    return part;
  });
  const layer = L.featureGroup(parts).addTo(map);
  map.fitBounds(layer.getBounds(), { padding: [10, 10], animate: false });
  new ResizeObserver(() => map.invalidateSize()).observe(place);
  document.addEventListener("khana:figures", () => areas.forEach((area, number) => parts[number].setStyle({ fillColor: shade(area) })));
  place.focus();
};
