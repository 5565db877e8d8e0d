(function () {
  'use strict';
  var data = JSON.parse(document.getElementById('class-data').textContent);
  var box = document.getElementById('chart');
  var dark = window.matchMedia('(prefers-color-scheme: dark)');
  var chart;
  function css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  function two(n) { return (n < 10 ? '0' : '') + n; }
  function clock(s) { s = Math.round(s); var h = Math.floor(s / 3600); return (h ? h + ':' + two(Math.floor(s / 60) % 60) : Math.floor(s / 60)) + ':' + two(s % 60); }
  function pairs(values) { return data.time.map(function (t, i) { return [t, values[i]]; }); }
  function draw() {
    if (chart) { chart.dispose(); }
    chart = echarts.init(box, null, { renderer: 'svg' });
    var fg = css('--fg'), soft = css('--soft'), line = css('--line'), narrow = box.clientWidth < 520;
    var most = Math.max.apply(null, [2].concat(data.hands));
    chart.setOption({
      animation: false,
      textStyle: { color: fg },
      legend: { top: 0, textStyle: { color: fg }, itemGap: narrow ? 8 : 18 },
      grid: { left: 44, right: narrow ? 34 : 52, top: 46, bottom: 30 },
      tooltip: { trigger: 'axis', backgroundColor: css('--card'), borderColor: line, textStyle: { color: fg }, axisPointer: { lineStyle: { color: soft } },
        renderMode: 'richText', formatter: function (p) {
          return clock(p[0].value[0]) + '\n' + p.filter(function (x) { return x.value[1] !== null; }).map(function (x) { return x.seriesName + ': ' + x.value[1]; }).join('\n');
        } },
      xAxis: { type: 'value', min: 0, max: data.time[data.time.length - 1], axisLabel: { color: soft, formatter: clock }, axisLine: { lineStyle: { color: line } }, splitLine: { show: false } },
      yAxis: [
        { type: 'value', min: 0, max: 100, axisLabel: { color: soft, formatter: '{value} %' }, splitLine: { lineStyle: { color: line } } },
        { type: 'value', min: 0, max: Math.max(3, most), minInterval: 1, axisLabel: { color: soft }, splitLine: { show: false } }
      ],
      series: [
        { name: 'on task, %', type: 'line', data: pairs(data.on_task), showSymbol: false, lineStyle: { width: 2.5, color: css('--read') }, itemStyle: { color: css('--read') }, areaStyle: { color: css('--read'), opacity: 0.12 } },
        { name: 'engagement, 0 to 3', type: 'line', yAxisIndex: 1, data: pairs(data.engagement), showSymbol: false, lineStyle: { width: 2, type: 'dashed', color: css('--discuss') }, itemStyle: { color: css('--discuss') } },
        { name: 'hands up', type: 'bar', yAxisIndex: 1, data: pairs(data.hands), barMinWidth: 2, barMaxWidth: 8, itemStyle: { color: css('--raise_hand') } }
      ]
    });
  }
  if (!data.time || data.time.length < 2) { box.textContent = 'Too short for a chart.'; return; }
  draw();
  dark.addEventListener('change', draw);
  window.addEventListener('resize', function () { chart.resize(); });
  window.addEventListener('beforeprint', function () { chart.resize(); });
})();
