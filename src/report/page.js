// SPDX-License-Identifier: Apache-2.0
// Hands the page's data to the table and the charts; everything that a library does is left to it.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const colours = {DLA: '#2f9e44', GPU: '#1c7ed6', CPU: '#e8590c', folded: '#868e96'};
  const colour = engine => colours[engine.replace(/\d+$/, '')] || '#7048e8';
  const element = (tag, text, parent) => {
    const made = document.createElement(tag);
    made.textContent = text;
    parent.append(made);
    return made;
  };
  const show = id => { document.getElementById(id).hidden = false; };
  const round = (value, digits) => value === 0 ? 0 : Number(value.toPrecision(digits));

  element('span', data.model + ' on ' + data.device, document.getElementById('title'));
  const subtitle = document.getElementById('subtitle');
  element('span', data.device_label, subtitle).className = 'origin ' + data.device_label;
  element('span', ' ' + [data.precision, data.device_note].filter(Boolean).join(', '), subtitle);
  for (const figure of data.figures) {
    const item = element('li', figure.label, document.getElementById('figures'));
    element('strong', figure.value, item);
    element('span', figure.origin, item).className = 'origin ' + figure.origin;
  }
  for (const advice of data.advice) {
    show('advice');
    const article = element('article', '', document.getElementById('advice-list'));
    element('h3', advice.finding, article);
    const list = element('dl', '', article);
    for (const key of ['evidence', 'cure', 'gain'].filter(k => advice[k])) {
      element('dt', key, list);
      element('dd', advice[key], list);
    }
  }
  for (const row of data.accuracy) {
    show('accuracy');
    const line = element('tr', '', document.querySelector('#accuracy-table tbody'));
    [row.measure, row.value, row.reference].forEach(text => element('td', text, line));
  }

  // The table.
  const text = $.fn.dataTable.render.text();
  const columns = [{}, {render: text}, {render: text}, {render: text}, {render: text}, {}, {}, {}, {}, {}, {}, {render: text}, {render: text}];
  const table = $('#layer-table').DataTable({
    columns, pageLength: 50, autoWidth: false, order: [],
    data: data.layers.map((l, i) => [i + 1, l.name, l.op_type, l.engine, l.precision, round(l.modelled_ms, 4), round(l.macs / 1e6, 4),
      round(l.utilisation * 100, 3), round(l.dram_bytes / 1024, 4), round(l.sram_bytes / 1024, 4), round(l.energy_mj, 3), l.bound,
      [l.reason_code, l.reason].filter(Boolean).join(': ')]),
  });
  const filter = document.getElementById('engine-filter');
  [...new Set(data.layers.map(l => l.engine))].sort().forEach(engine => element('option', engine, filter));
  filter.addEventListener('change', () => {
    table.column(3).search(filter.value ? '^' + $.fn.dataTable.util.escapeRegex(filter.value) + '$' : '', true, false).draw();
  });

  // The charts.
  const charts = [];
  const paper = () => {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue('--ink').trim(), line = style.getPropertyValue('--line').trim();
    return {'paper_bgcolor': 'rgba(0,0,0,0)', 'plot_bgcolor': 'rgba(0,0,0,0)', 'font.color': ink,
            'xaxis.gridcolor': line, 'yaxis.gridcolor': line, 'xaxis.zerolinecolor': line, 'yaxis.zerolinecolor': line};
  };
  const plot = (id, traces, layout) => {
    Plotly.newPlot(id, traces, {margin: {l: 60, r: 15, t: 10, b: 50}, legend: {orientation: 'h', y: 1.1}, ...layout},
                   {responsive: true, displayModeBar: false});
    charts.push(id);
  };
  const escape = s => s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const short = s => escape(s.length > 40 ? s.slice(0, 38) + '…' : s);

  if (data.timeline.length) {
    show('timeline-section');
    const tracks = [...new Set(data.timeline.map(s => s.track))];
    plot('timeline', tracks.map(track => {
      const spans = data.timeline.filter(s => s.track === track);
      return {type: 'bar', orientation: 'h', name: escape(track), y: spans.map(() => escape(track)), base: spans.map(s => s.start_us),
              x: spans.map(s => s.duration_us), marker: {color: colour(track.split(' ')[0]), line: {width: 0.5, color: '#fff'}},
              hovertext: spans.map(s => escape(s.name) + '<br>' + round(s.duration_us, 4) + ' µs at ' + round(s.start_us, 5) + ' µs'), hoverinfo: 'text'};
    }), {barmode: 'overlay', showlegend: false, xaxis: {title: {text: 'modelled µs'}}, yaxis: {automargin: true, autorange: 'reversed'}});
  }
  {
    const lines = {x: [], y: []};
    for (const [from, to] of data.edges) {
      lines.x.push(data.places[from][1], data.places[to][1], null);
      lines.y.push(data.places[from][0], data.places[to][0], null);
    }
    const engines = [...new Set(data.layers.map(l => l.engine))].sort();
    plot('network', [{type: 'scatter', mode: 'lines', x: lines.x, y: lines.y, line: {color: '#adb5bd', width: 1}, hoverinfo: 'skip', showlegend: false},
      ...engines.map(engine => {
        const at = data.layers.map((l, i) => i).filter(i => data.layers[i].engine === engine);
        return {type: 'scatter', mode: 'markers', name: escape(engine), x: at.map(i => data.places[i][1]), y: at.map(i => data.places[i][0]),
                marker: {color: colour(engine), size: 10}, hoverinfo: 'text',
                hovertext: at.map(i => escape(data.layers[i].name) + '<br>' + escape(data.layers[i].op_type) + ', ' + escape(engine) +
                  (data.layers[i].reason_code ? '<br>' + escape(data.layers[i].reason_code) : ''))};
      })], {xaxis: {visible: false}, yaxis: {autorange: 'reversed', title: {text: 'steps from the input'}}});
  }
  if (data.roofline) {
    show('roofline-section');
    const points = data.layers.filter(l => l.macs && l.dram_bytes && l.modelled_ms);
    const roof = data.roofline, ridge = roof.macs_per_second / roof.dram_bytes_per_second;
    const xs = [ridge / 1000, ridge, ridge * 1000];
    plot('roofline', [{type: 'scatter', mode: 'lines', name: 'DRAM and MAC limit', x: xs, y: xs.map(x => Math.min(x * roof.dram_bytes_per_second, roof.macs_per_second) / 1e9)},
      {type: 'scatter', mode: 'markers', name: 'layers', x: points.map(l => l.macs / l.dram_bytes), y: points.map(l => l.macs / l.modelled_ms / 1e6),
       marker: {color: points.map(l => colour(l.engine)), size: 8}, hovertext: points.map(l => escape(l.name) + '<br>bound by ' + escape(l.bound)), hoverinfo: 'text'}],
      {xaxis: {type: 'log', title: {text: 'MAC per DRAM byte'}}, yaxis: {type: 'log', title: {text: 'GMAC/s'}}});
  }
  if (data.memory.length) {
    show('memory-section');
    plot('memory', ['weights', 'inputs', 'intermediates', 'outputs'].map(kind => ({type: 'scatter', mode: 'lines', stackgroup: 'all', name: kind,
      line: {shape: 'hv'}, x: data.memory.map(m => m.at_us), y: data.memory.map(m => m[kind] / 1048576)})),
      {xaxis: {title: {text: 'modelled µs'}}, yaxis: {title: {text: 'MiB'}}});
  }
  const by_layer = (section, id, key, scale, title) => {
    const rows = data.layers.filter(l => l[key] > 0);
    if (!rows.length) return;
    show(section);
    plot(id, [{type: 'bar', x: rows.map((l, i) => i), y: rows.map(l => l[key] * scale), marker: {color: rows.map(l => colour(l.engine))},
               hovertext: rows.map(l => escape(l.name) + '<br>' + round(l[key] * scale, 4) + ' ' + title), hoverinfo: 'text'}],
         {xaxis: {tickvals: rows.map((l, i) => i), ticktext: rows.map(l => short(l.name)), automargin: true, tickangle: -60,
                  tickmode: rows.length > 40 ? 'auto' : 'array', showticklabels: rows.length <= 40}, yaxis: {title: {text: title}}});
  };
  by_layer('bytes-section', 'bytes', 'dram_bytes', 1 / 1024, 'KiB');
  by_layer('energy-section', 'energy', 'energy_mj', 1, 'mJ');

  const repaint = () => charts.forEach(id => Plotly.relayout(id, paper()));
  repaint();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
  addEventListener('beforeprint', () => { table.page.len(-1).draw(); charts.forEach(id => Plotly.Plots.resize(id)); });
  document.body.dataset.ready = 'true';
})();
