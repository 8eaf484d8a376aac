/* Draw an outline on a map: a click is a corner, or the button sets one at the middle, which the arrow keys move.
   The text beside the map holds the outline and may be written by hand: nothing here is needed to send the form. */
(() => {
  "use strict";
  const draw = (place) => {
    const target = document.getElementById(place.dataset.draw), told = document.querySelector("[data-draw-told]");
    const map = L.map(place, { attributionControl: false, zoomSnap: 0.25, boxZoom: false, doubleClickZoom: false }).setView([27, 78], 4);
    const line = L.polygon([], { color: "#b4400f", weight: 2, fillOpacity: 0.2, interactive: false }).addTo(map);
    const dots = L.layerGroup().addTo(map);
    let corners = [];
    const show = (writes) => {
      line.setLatLngs(corners);
      dots.clearLayers();
      corners.forEach((corner) => L.circleMarker(corner, { radius: 4, color: "#b4400f", interactive: false }).addTo(dots));
      if (told) told.textContent = corners.length ? `${told.dataset.words} ${corners.length.toLocaleString(document.documentElement.lang)}` : "";
      if (!writes) return;
      const ring = corners.map((corner) => [Number(corner.lng.toFixed(5)), Number(corner.lat.toFixed(5))]);
      target.value = ring.length > 2 ? JSON.stringify({ type: "Polygon", coordinates: [[...ring, ring[0]]] }) : "";
    };
    map.on("click", (event) => { corners.push(event.latlng); show(true); });
    document.querySelector("[data-draw-middle]").addEventListener("click", () => { corners.push(map.getCenter()); show(true); });
    document.querySelector("[data-draw-undo]").addEventListener("click", () => { corners.pop(); show(true); });
    document.querySelector("[data-draw-clear]").addEventListener("click", () => { corners = []; show(true); });
    const read = () => {
      try {
        const written = JSON.parse(target.value);
        corners = (written.geometry ?? written).coordinates[0].slice(0, -1).map(([lng, lat]) => L.latLng(lat, lng));
      } catch { corners = []; }
      show(false);
    };
    target.addEventListener("change", read);
    read();
    fetch(place.dataset.outlines, { headers: { Accept: "application/geo+json" } })
      .then((answer) => (answer.ok ? answer.json() : { features: [] }))
      .then((shapes) => {
        if (!shapes.features.length) return;
        const land = L.geoJSON(shapes, { interactive: false, style: { color: "#5b7472", weight: 1, fillColor: "#dfe6e5", fillOpacity: 1 } }).addTo(map);
        land.bringToBack();
        map.fitBounds(land.getBounds(), { padding: [10, 10], animate: false });
      })
      .catch(() => {})
      .finally(() => { place.dataset.drawn = "yes"; });
  };
  document.querySelectorAll("[data-draw]").forEach(draw);
})();
