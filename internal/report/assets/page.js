(function () {
  'use strict';
  var data = JSON.parse(document.getElementById('class-data').textContent);
  var box = document.getElementById('chart');
  var dark = window.matchMedia('(prefers-color-scheme: dark)');
  var chart;
  if (!box) { return; } // nobody was found
  function css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  function two(n) { return (n < 10 ? '0' : '') + n; }
  function clock(s) { s = Math.round(s); var h = Math.floor(s / 3600); return (h ? h + ':' + two(Math.floor(s / 60) % 60) : Math.floor(s / 60)) + ':' + two(s % 60); }
  function pairs(values) { return data.time.map(function (t, i) { return [t, values[i]]; }); }
  function draw() {
    if (chart) { chart.dispose(); }
    chart = echarts.init(box, null, { renderer: 'svg' });
    var fg = css('--fg'), soft = css('--soft'), line = css('--line'), narrow = box.clientWidth < 520;
    var most = Math.max.apply(null, [2].concat(data.visible).map(Math.ceil)), last = Math.max(data.duration, data.time[data.time.length - 1]);
    var every = narrow ? 2 * data.tick : data.tick;
    var unread = { silent: true, itemStyle: { color: soft, opacity: 0.35 }, data: (data.gaps || []).map(function (g) { return [{ xAxis: g[0] }, { xAxis: g[1] }]; }) };
    function time(grid, labels) { return { gridIndex: grid, type: 'value', min: 0, max: last, interval: every, axisTick: { show: labels }, axisLabel: { show: labels, showMaxLabel: false, color: soft, formatter: clock }, axisLine: { lineStyle: { color: line } }, splitLine: { show: false } }; }
    function name(text, side) { return { name: text, nameLocation: 'end', nameGap: 10, nameTextStyle: { color: soft, align: side } }; }
    function axis(grid, o) { o.gridIndex = grid; o.type = 'value'; o.min = 0; o.axisLabel = Object.assign({ color: soft }, o.axisLabel); o.splitLine = { show: !o.position, lineStyle: { color: line } }; return o; }
    var left = 48, right = narrow ? 30 : 48, lower = narrow ? 84 : 90;
    chart.setOption({
      animation: false,
      textStyle: { color: fg },
      legend: { top: 0, data: ['on task', 'engagement', 'in view', { name: 'known', icon: 'roundRect' }, 'hands up'], textStyle: { color: fg }, itemGap: narrow ? 8 : 18 },
      axisPointer: { link: [{ xAxisIndex: 'all' }] },
      grid: [{ left: left, right: right, top: narrow ? 92 : 58, bottom: lower + 62 }, { left: left, right: right, height: lower, bottom: 26 }],
      tooltip: { trigger: 'axis', backgroundColor: css('--card'), borderColor: line, textStyle: { color: fg }, axisPointer: { lineStyle: { color: soft } },
        renderMode: 'richText', formatter: function (p) {
          return clock(p[0].value[0]) + '\n' + p.filter(function (x) { return x.value[1] !== null; }).map(function (x) { return x.seriesName + ': ' + Math.round(10 * x.value[1]) / 10 + (x.seriesName === 'on task' ? ' %' : ''); }).join('\n');
        } },
      xAxis: [time(0, false), time(1, true)],
      yAxis: [
        axis(0, Object.assign(name('on task', 'right'), { max: 100, axisLabel: { formatter: '{value} %' } })),
        axis(0, Object.assign(name('engagement', narrow ? 'right' : 'center'), { max: 3, interval: 1, position: 'right' })),
        axis(1, Object.assign(name('students', 'center'), { max: most, minInterval: 1, splitNumber: 2 }))
      ],
      series: [
        { name: 'on task', type: 'line', data: pairs(data.on_task), showSymbol: false, lineStyle: { width: 2.5, color: css('--read') }, itemStyle: { color: css('--read') }, areaStyle: { color: css('--read'), opacity: 0.12 }, markArea: unread },
        { name: 'engagement', type: 'line', yAxisIndex: 1, data: pairs(data.engagement), showSymbol: false, lineStyle: { width: 2, type: 'dashed', color: css('--discuss') }, itemStyle: { color: css('--discuss') } },
        { name: 'in view', type: 'line', xAxisIndex: 1, yAxisIndex: 2, data: pairs(data.visible), showSymbol: false, lineStyle: { width: 1.5, color: soft }, itemStyle: { color: soft }, markArea: unread },
        { name: 'known', type: 'line', xAxisIndex: 1, yAxisIndex: 2, data: pairs(data.sure), showSymbol: false, lineStyle: { width: 0 }, itemStyle: { color: css('--look_forward') }, areaStyle: { color: css('--look_forward'), opacity: 0.8 }, z: 1 },
        { name: 'hands up', type: 'bar', xAxisIndex: 1, yAxisIndex: 2, data: pairs(data.hands.map(function (n) { return n || null; })), barMinWidth: 2, barMaxWidth: 8, barMinHeight: 6, z: 3, itemStyle: { color: css('--raise_hand') } }
      ]
    });
  }
  if (!data.time || data.time.length < 2) { box.textContent = 'Too short for a chart.'; box.className = 'short'; return; }
  draw();
  dark.addEventListener('change', draw);
  window.addEventListener('resize', function () { chart.resize(); });
  window.addEventListener('beforeprint', function () { chart.resize(); });
})();
