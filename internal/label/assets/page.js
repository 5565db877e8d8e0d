// The labelling page. Steps are indices into lesson.times; labels are {student, kind, label, first, end}, end the step after the last. The program owns the labels: a
// change is sent to it, saved there, and shown once it has come back.
(function () {
  'use strict';
  const $ = (id) => document.getElementById(id);
  const words = {
    look_forward: ['F', 'looks to the front'], read: ['R', 'reads'], write: ['W', 'writes'], raise_hand: ['H', 'raises a hand'], turn: ['T', 'turned away'],
    stand: ['S', 'stands'], discuss: ['D', 'talks with others'], phone: ['P', 'uses a phone'], head_down: ['Z', 'head on the desk'], other: ['O', 'something else'],
    unknown: ['U', 'cannot tell']
  };
  const others = {
    attention: { on_task: ['J', 'on task'], off_task: ['K', 'off task'], unknown: ['L', 'cannot tell'] },
    engagement: { 0: ['0', 'disengaged'], 1: ['1', 'passive'], 2: ['2', 'active'], 3: ['3', 'interactive'] }
  };
  const stripSteps = 9, gutter = 92, rowHeight = 30, contextSeconds = 5, mostImages = 24;
  let lesson, now, decoded = { decoded_s: -1, ended: false }, proposals = null, shown = false;
  let who = 0, at = 0, mark = null, hold = null, playing = null, win = 0, kind;
  let size = [1280, 720], waiting = false;
  const images = new Map();

  // What is said of a label: [letter and key, words].
  function word(k, label) { return (k === 'behaviour' ? words : others[k])[label] || ['', label]; }
  function student() { return lesson.students[who]; }
  function two(n) { return (n < 10 ? '0' : '') + n; }
  function clock(t) {
    const s = Math.floor(t + 1e-6), part = lesson.step_s < 1 ? '.' + Math.floor((t - s + 1e-6) * 10) : '';
    return (s >= 3600 ? Math.floor(s / 3600) + ':' + two(Math.floor(s / 60) % 60) : Math.floor(s / 60)) + ':' + two(s % 60) + part;
  }
  function alarm(text) { $('alarm').hidden = !text; $('alarm').textContent = text || ''; }
  function element(name, props, ...inside) {
    const e = Object.assign(document.createElement(name), props);
    e.append(...inside);
    return e;
  }

  // The steps that can be gone to, and those that can be labelled.
  function limits() {
    if (!lesson.windows) { return [0, lesson.times.length]; }
    const w = lesson.windows[win], around = Math.ceil(contextSeconds / lesson.step_s);
    return [Math.max(0, w.first - around), Math.min(lesson.times.length, w.end + around)];
  }
  function within(first, end) {
    if (!lesson.windows) { return [first, end]; }
    return [Math.max(first, lesson.windows[win].first), Math.min(end, lesson.windows[win].end)];
  }

  // Labels.
  function ofStudent(k, id) { return now.labels.filter((v) => v.student === (id || student().id) && v.kind === k); }
  function labelAt(k, step, id) {
    const [a, b] = lesson.blind ? within(step, step + 1) : [0, 1]; // what is labelled in other windows does not show
    return a < b ? ofStudent(k, id).find((v) => v.first <= step && step < v.end) : undefined;
  }
  function range() {
    const start = hold ? hold.start : mark;
    return start === null ? [at, at + 1] : [Math.min(start, at), Math.max(start, at) + 1];
  }

  // One change after the other. What a change is may depend on the labels that the one before it left: work it out when its turn comes.
  let queue = Promise.resolve();
  function change(c) {
    const base = { student: student().id, kind: kind, label: '', first: 0, end: 0 };
    queue = queue.then(() => {
      const full = typeof c === 'function' ? c() : c;
      return full && send(Object.assign(base, full));
    });
  }
  async function send(c) {
    $('saved').textContent = 'saving …';
    let answer;
    try {
      answer = await fetch('change', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(Object.assign({ version: now.version }, c)) });
      if (answer.ok || answer.status === 409) { now = await answer.json(); }
    } catch (e) {
      $('saved').textContent = 'NOT saved';
      return alarm('The program does not answer: this change is not saved. Start classlens label again and open the new address.');
    }
    if (answer.ok) {
      $('saved').textContent = 'saved';
      alarm('');
    } else if (answer.status === 409) {
      $('saved').textContent = '';
      alarm('The labels were changed in another tab. They are shown as they are now: look, and do it again.');
    } else if (answer.status === 422) {
      $('saved').textContent = (await answer.text()).replace('no such change: ', '');
    } else {
      $('saved').textContent = 'NOT saved';
      alarm('Not saved: ' + await answer.text());
    }
    count();
    draw();
  }
  function paint(k, label, first, end) {
    [first, end] = within(first, end);
    kind = k;
    if (first < end) { change({ do: 'paint', label: label, first: first, end: end }); } else { $('saved').textContent = 'outside the window'; }
  }

  // Share of the steps in view that are labelled, of each student and all.
  function labelledSteps(id) {
    const on = new Uint8Array(lesson.times.length);
    now.labels.forEach((v) => { if (v.student === id && v.kind === lesson.kinds[0]) { on.fill(1, v.first, v.end); } });
    return on;
  }
  function count() {
    let seen = 0, labelled = 0;
    const drawn = lesson.windows && lesson.windows.map((w) => w.student);
    lesson.students.forEach((s, i) => {
      const on = labelledSteps(s.id);
      let a = 0, b = 0;
      s.boxes.forEach((box, k) => {
        if (box && (!drawn || lesson.windows.some((w) => w.student === s.id && w.first <= k && k < w.end))) { b++; a += on[k]; }
      });
      seen += b; labelled += a;
      const chip = $('students').children[i];
      if (chip) {
        chip.style.setProperty('--part', (b ? 100 * a / b : 0) + '%');
        chip.querySelector('small').textContent = b ? Math.floor(100 * a / b) + ' %' : '–';
        chip.title = s.id + (s.teacher ? ', teacher' : '') + ': ' + a + ' of ' + b + ' steps in view are labelled';
      }
    });
    $('done').textContent = (100 * labelled / Math.max(seen, 1)).toFixed(1) + ' % of ' + seen + (lesson.windows ? ' steps drawn and in view labelled' : ' steps in view labelled');
    document.body.dataset.version = now.version; // that the page shows
    $('undo').disabled = !now.undo;
    $('redo').disabled = !now.redo;
  }

  // Going about.
  function go(step) {
    const [a, b] = limits();
    at = Math.min(Math.max(step, a), b - 1);
    draw();
    return at === step;
  }
  function tenSeconds() { return Math.max(1, Math.round(10 / lesson.step_s)); }
  function choose(i) {
    if (i < 0 || i >= lesson.students.length || lesson.windows) { return; }
    who = i; mark = null;
    draw();
  }
  function toWindow(i) {
    if (!lesson.windows) { return; }
    win = Math.min(Math.max(i, 0), lesson.windows.length - 1);
    who = lesson.students.findIndex((s) => s.id === lesson.windows[win].student);
    mark = null;
    go(lesson.windows[win].first);
  }
  function play() {
    if (playing) { clearInterval(playing); playing = null; } else {
      playing = setInterval(() => { if (!go(at + 1) && playing) { play(); } }, 1000 / $('speed').value);
    }
    draw();
  }
  function next() {
    if (lesson.windows) {
      for (let n = 1; n <= lesson.windows.length; n++) {
        const i = (win + n) % lesson.windows.length, w = lesson.windows[i], on = labelledSteps(w.student), boxes = lesson.students.find((s) => s.id === w.student).boxes;
        for (let k = w.first; k < w.end; k++) { if (!on[k] && boxes[k]) { return toWindow(i); } }
      }
      $('saved').textContent = 'all windows are labelled';
      return;
    }
    const on = labelledSteps(student().id), n = lesson.times.length;
    for (let d = 1; d <= n; d++) {
      const k = (at + d) % n;
      if (!on[k] && student().boxes[k]) { mark = null; return go(k); }
    }
    $('saved').textContent = student().id + ' is labelled wherever in view';
  }

  // A label's key or button: a tap labels this step and goes on, holding it labels on.
  function press(k, label) {
    if (hold) { release(); }
    if (mark !== null) {
      paint(k, label, ...range());
      mark = null;
      return draw();
    }
    hold = { kind: k, label: label, start: at, timer: null };
    hold.wait = setTimeout(() => {
      if (hold && !playing) { hold.timer = setInterval(() => go(at + 1), 1000 / $('speed').value); }
    }, 350);
    draw();
  }
  function release() {
    if (!hold) { return; }
    clearTimeout(hold.wait);
    clearInterval(hold.timer);
    const h = hold, [a, b] = range();
    hold = null;
    paint(h.kind, h.label, a, b);
    if (!playing) { go(at + 1); }
  }
  const acts = {
    back10: () => go(at - tenSeconds()), back: () => go(at - 1), on: () => go(at + 1), on10: () => go(at + tenSeconds()), play: play, next: next,
    mark: () => { mark = mark === null ? at : null; draw(); },
    extend: () => {
      const id = student().id, k = kind, step = at;
      change(() => {
        const before = ofStudent(k, id).filter((v) => v.end <= step).pop(), text = labelAt(k, step, id) ? 'this step has a label' : before ? '' : 'no label before';
        if (text) { $('saved').textContent = text; return null; }
        return { do: 'paint', label: before.label, first: before.end, end: step + 1 };
      });
    },
    split: () => change({ do: 'split', first: at, end: at + 1 }),
    erase: () => {
      const id = student().id, k = kind, step = at, marked = mark !== null && range();
      mark = null;
      change(() => {
        const v = !marked && labelAt(k, step, id), [a, b] = within(...(v ? [v.first, v.end] : marked || [step, step + 1]));
        return { do: 'erase', first: a, end: b };
      });
      draw();
    },
    undo: () => change({ do: 'undo' }), redo: () => change({ do: 'redo' })
  };
  async function propose() {
    if (lesson.blind) { return; }
    if (!proposals) {
      $('warn').returnValue = 'no';
      $('warn').showModal();
      await new Promise((done) => $('warn').addEventListener('close', done, { once: true }));
      if ($('warn').returnValue !== 'yes') { return; }
      const answer = await fetch('proposals');
      if (!answer.ok) { return alarm(await answer.text()); }
      proposals = await answer.json();
    }
    shown = !shown;
    $('proposals').setAttribute('aria-pressed', shown);
    $('proposals').lastChild.textContent = ' proposals: ' + (shown ? 'ON' : 'off');
    draw();
  }

  // Pictures: some are kept, in this page's memory alone.
  function image(step) {
    if (step < 0 || step >= lesson.times.length || (!decoded.ended && lesson.times[step] > decoded.decoded_s)) { return null; }
    let e = images.get(step);
    if (!e) {
      e = { picture: new Image(), ready: false };
      e.picture.onload = () => {
        e.ready = true;
        size = [e.picture.naturalWidth, e.picture.naturalHeight];
        draw();
      };
      e.picture.onerror = () => { e.missing = true; draw(); };
      e.picture.src = 'picture/' + step;
    }
    images.delete(step);
    images.set(step, e); // the one asked for last comes last
    while (images.size > mostImages) { images.delete(images.keys().next().value); }
    return e;
  }
  // Where a student is at a step, else where last or next seen: [box, seen].
  function place(s, step) {
    for (let d = 0; d < s.boxes.length; d++) {
      const box = s.boxes[step - d] || s.boxes[step + d];
      if (box) { return [box, d === 0]; }
    }
    return [[0, 0, size[0], size[1]], false];
  }
  // cut draws head and upper body, as wide as five heads.
  function cut(canvas, step) {
    const c = canvas.getContext('2d'), e = image(step), n = canvas.width, m = canvas.height;
    c.clearRect(0, 0, n, m);
    if (!e || !e.ready) { return; }
    const [box, seen] = place(student(), step), side = 5 * Math.max(box[2], box[3], 4);
    const x = box[0] + box[2] / 2 - side / 2, y = box[1] + box[3] / 2 - 0.34 * side;
    c.imageSmoothingQuality = 'high';
    c.drawImage(e.picture, x, y, side, side * m / n, 0, 0, n, m);
    if (!seen) {
      c.fillStyle = '#000a';
      c.fillRect(0, m - 0.12 * n, n, 0.12 * n);
      c.fillStyle = '#fff';
      c.font = 0.08 * n + 'px sans-serif';
      c.fillText('not in view', 0.03 * n, m - 0.035 * n);
    }
  }

  function draw() {
    if (waiting) { return; }
    waiting = true;
    requestAnimationFrame(() => { waiting = false; drawAll(); });
  }
  function drawAll() {
    drawRoom();
    cut($('large'), at);
    drawStrip();
    drawNear();
    drawWhole();
    const t = clock(lesson.times[at]), said = lesson.kinds.map((k) => {
      const v = labelAt(k, at);
      return v && word(k, v.label)[1] + (lesson.blind ? '' : ' (' + clock(lesson.times[v.first]) + ' to ' + clock(lesson.times[v.end - 1] + lesson.step_s) + ')');
    }).filter(Boolean).join(', ');
    $('said').textContent = (lesson.blind ? 'the student' : student().id + (student().teacher ? ' (teacher)' : '') + ' at ' + t) + ': ' + (student().boxes[at] ? '' : 'not in view, ') + (hold ? word(hold.kind, hold.label)[1] + ' …' : said || 'no label');
    $('clock').textContent = lesson.blind ? '' : t + ' of ' + clock(lesson.times[lesson.times.length - 1] + lesson.step_s);
    $('play-button').lastChild.textContent = playing ? ' stop' : ' play';
    $('mark-button').setAttribute('aria-pressed', mark !== null);
    $('mark-button').lastChild.textContent = mark === null ? ' mark' : ' marked';
    $('waiting').textContent = image(at) ? (image(at).missing ? 'no picture of this step could be read' : '') : decoded.problem ? 'the rest cannot be read: ' + decoded.problem : 'reading the recording, at ' + clock(Math.max(0, decoded.decoded_s)) + ' …';
    document.querySelectorAll('#keys button').forEach((b) => {
      const v = labelAt(b.dataset.kind, at);
      b.setAttribute('aria-pressed', !!(v && v.label === b.dataset.label));
    });
    Array.from($('students').children).forEach((b, i) => b.setAttribute('aria-pressed', i === who));
    if (lesson.windows) { $('window-at').textContent = 'window ' + (win + 1) + ' of ' + lesson.windows.length; }
    for (let d = 1; d <= 4; d++) { image(at + stripSteps / 2 + d - 0.5); } // ahead
  }
  function drawRoom() {
    const e = image(at), canvas = $('picture');
    if (canvas.width !== size[0] || canvas.height !== size[1]) { [canvas.width, canvas.height] = size; }
    $('room').style.maxWidth = 'max(320px, ' + 50 * size[0] / size[1] + 'vh)'; // what is below it stays in view
    canvas.dataset.step = e && e.ready ? at : ''; // whose picture it shows
    if (e && e.ready) { canvas.getContext('2d').drawImage(e.picture, 0, 0); } else { canvas.getContext('2d').clearRect(0, 0, size[0], size[1]); }
    lesson.students.forEach((s, i) => {
      const b = $('boxes').children[i], box = s.boxes[at];
      b.hidden = !box || (lesson.blind && i !== who);
      b.className = i === who ? 'chosen' : '';
      if (box) {
        b.style.left = 100 * box[0] / size[0] + '%'; b.style.top = 100 * box[1] / size[1] + '%';
        b.style.width = 100 * box[2] / size[0] + '%'; b.style.height = 100 * box[3] / size[1] + '%';
      }
    });
  }
  function drawStrip() {
    Array.from($('strip').children).forEach((f, i) => {
      const step = at + i - (stripSteps - 1) / 2, [a, b] = limits(), there = step >= a && step < b;
      f.style.visibility = there ? '' : 'hidden';
      if (!there) { return; }
      cut(f.firstChild, step);
      const v = labelAt(kind, step);
      f.lastChild.textContent = (lesson.blind ? '' : clock(lesson.times[step]) + ' ') + (v ? word(kind, v.label)[1] : '–');
      f.lastChild.className = v ? 'c-' + v.label : '';
    });
  }

  // Labels over time.
  function svg(parent, name, attributes, text) {
    const e = document.createElementNS('http://www.w3.org/2000/svg', name);
    Object.entries(attributes).forEach(([k, v]) => e.setAttribute(k, v));
    if (text) { e.textContent = text; }
    parent.append(e);
    return e;
  }
  function bar(parent, k, label, x, y, w, h, more) {
    const r = svg(parent, 'rect', { x: x, y: y, width: Math.max(w, 1), height: h, rx: Math.min(3, w / 2), class: 'label c-' + label + (more || '') });
    svg(r, 'title', {}, word(k, label)[1]);
    if (w > 11) { svg(parent, 'text', { x: x + w / 2, y: y + h / 2 + 4, class: 'label-text' }, word(k, label)[0]); }
  }
  let near = [0, 1, 1]; // first step, cell width, steps
  function drawNear() {
    const g = $('near'), width = g.clientWidth - gutter - 4, [a, b] = limits();
    const n = lesson.windows ? b - a : Math.min(Math.max(21, Math.floor(width / 18)) | 1, b - a);
    const from = lesson.windows ? a : Math.min(Math.max(at - (n >> 1), a), b - n), cell = width / n;
    near = [from, cell, n];
    const rows = lesson.kinds.concat(shown ? ['network'] : []), height = rows.length * rowHeight + 22;
    g.replaceChildren();
    g.setAttribute('height', height);
    g.setAttribute('viewBox', '0 0 ' + g.clientWidth + ' ' + height);
    const x = (step) => gutter + (step - from) * cell;
    rows.forEach((k, row) => {
      const y = 2 + row * rowHeight;
      svg(g, 'text', { x: 6, y: y + 19 }, k === 'network' ? 'network says' : k);
      for (let i = from; i < from + n; i++) {
        const r = svg(g, 'rect', { x: x(i), y: y, width: cell, height: rowHeight - 4, class: student().boxes[i] ? 'back' : 'back hidden' });
        if (!student().boxes[i]) { svg(r, 'title', {}, 'not in view'); }
      }
      if (k === 'network') {
        const said = proposals[student().id];
        for (let i = from, j; i < from + n; i = j) {
          for (j = i + 1; j < from + n && said[j] === said[i]; j++) { /* alike */ }
          if (said[i]) { bar(g, 'behaviour', said[i], x(i), y + 4, (j - i) * cell, rowHeight - 12, ' guess'); }
        }
        return;
      }
      const [lo, hi] = lesson.blind ? within(from, from + n) : [from, from + n];
      ofStudent(k).filter((v) => v.end > lo && v.first < hi).forEach((v) => {
        const [p, q] = [Math.max(v.first, lo), Math.min(v.end, hi)];
        bar(g, k, v.label, x(p), y + 1, (q - p) * cell, rowHeight - 6);
      });
    });
    if (lesson.windows) {
      const w = lesson.windows[win];
      svg(g, 'rect', { x: x(a), y: 0, width: x(w.first) - x(a), height: height, class: 'outside' });
      svg(g, 'rect', { x: x(w.end), y: 0, width: x(b) - x(w.end), height: height, class: 'outside' });
    }
    const [p, q] = range();
    if (hold || mark !== null) { svg(g, 'rect', { x: x(p), y: 1, width: (q - p) * cell, height: height - 22, class: 'range' }); }
    svg(g, 'rect', { x: x(at), y: 1, width: cell, height: height - 22, rx: 2, class: 'cursor' });
    const every = [5, 10, 30, 60].find((s) => s / lesson.step_s * cell > 48) || 300;
    for (let i = from; i < from + n && !lesson.blind; i++) {
      const t = lesson.times[i];
      if (Math.floor(t / every + 1e-6) !== Math.floor((t - lesson.step_s) / every + 1e-6)) { svg(g, 'text', { x: x(i), y: height - 6 }, clock(t)); }
    }
  }
  function drawWhole() {
    const g = $('whole'), n = lesson.times.length;
    g.style.display = lesson.windows ? 'none' : '';
    if (lesson.windows) { return; }
    const width = g.clientWidth - gutter - 4, h = 12, height = lesson.kinds.length * h + 8, x = (step) => gutter + step * width / n;
    g.replaceChildren();
    g.setAttribute('height', height);
    g.setAttribute('viewBox', '0 0 ' + g.clientWidth + ' ' + height);
    svg(g, 'text', { x: 6, y: 15 }, 'whole lesson');
    lesson.kinds.forEach((k, row) => {
      svg(g, 'rect', { x: gutter, y: 4 + row * h, width: width, height: h - 2, class: 'back' });
      for (let i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && !student().boxes[j] === !student().boxes[i]; j++) { /* alike */ }
        if (!student().boxes[i]) { svg(g, 'rect', { x: x(i), y: 4 + row * h, width: x(j) - x(i), height: h - 2, class: 'hidden' }); }
      }
      ofStudent(k).forEach((v) => svg(g, 'rect', { x: x(v.first), y: 4 + row * h, width: Math.max(1, x(v.end) - x(v.first)), height: h - 2, class: 'label c-' + v.label }));
    });
    svg(g, 'rect', { x: x(near[0]), y: 1, width: near[2] * width / n, height: height - 2, class: 'view' });
    svg(g, 'rect', { x: x(at), y: 1, width: Math.max(2, width / n), height: height - 2, class: 'cursor' });
  }

  function build() {
    document.title = 'label ' + lesson.recording;
    $('name').textContent = lesson.recording;
    $('rater').textContent = 'labelled by ' + lesson.rater + (lesson.blind ? ', blind' : '');
    $('name').title = lesson.folder;
    kind = lesson.kinds[0];
    document.querySelector('main').className = lesson.kinds.length > 1 ? 'many' : '';
    $('students').hidden = !!lesson.windows;
    $('windows').hidden = !lesson.windows;
    $('proposals').hidden = lesson.blind;
    lesson.students.forEach((s, i) => {
      if (!lesson.windows) { $('students').append(element('button', { onclick: () => choose(i) }, s.id + ' ', element('small', {}))); }
      $('boxes').append(element('button', { tabIndex: -1, title: s.id, onclick: () => choose(i) }, element('span', { textContent: lesson.blind ? '' : s.id })));
    });
    for (let i = 0; i < stripSteps; i++) {
      $('strip').append(element('figure', { onclick: () => go(at + i - (stripSteps - 1) / 2) }, element('canvas', { width: 240, height: 180 }), element('figcaption', {})));
    }
    lesson.kinds.forEach((k) => {
      const group = element('div', { className: 'kind k-' + k });
      if (lesson.kinds.length > 1) { group.append(element('h3', { textContent: k })); }
      $('keys').append(group);
      lesson.values[k].forEach((label) => {
        const [key, text] = word(k, label), b = element('button', { className: 'c-' + label }, element('kbd', { textContent: key }), ' ' + text);
        b.dataset.kind = k; b.dataset.label = label;
        b.addEventListener('pointerdown', (e) => { if (e.button === 0) { b.setPointerCapture(e.pointerId); press(k, label); } });
        ['pointerup', 'pointercancel'].forEach((name) => b.addEventListener(name, release));
        b.addEventListener('click', (e) => { if (e.detail === 0) { press(k, label); release(); } }); // by the keyboard
        group.append(b);
        $('help-labels').append(element('p', {}, element('kbd', { textContent: key }), ' ' + text + (k === 'behaviour' ? '' : ' (' + k + ')')));
      });
    });
    document.querySelectorAll('[data-do]').forEach((b) => b.addEventListener('click', () => acts[b.dataset.do]()));
    $('undo').onclick = acts.undo;
    $('redo').onclick = acts.redo;
    $('proposals').onclick = propose;
    $('help-open').onclick = () => $('help').showModal();
    $('window-back').onclick = () => toWindow(win - 1);
    $('window-on').onclick = () => toWindow(win + 1);
    $('speed').onchange = () => { if (playing) { play(); play(); } };
    document.addEventListener('mousedown', (e) => { if (e.target.closest('button')) { e.preventDefault(); } }); // clicks leave the keyboard where it is
    drag($('near'), (x) => near[0] + Math.floor((x - gutter) / near[1]), true);
    drag($('whole'), (x, w) => Math.floor((x - gutter) / (w - gutter - 4) * lesson.times.length), false);
    document.addEventListener('keydown', keydown);
    document.addEventListener('keyup', (e) => { if (hold && keyOf(e) === word(hold.kind, hold.label)[0]) { release(); } });
    window.addEventListener('blur', release);
    new ResizeObserver(draw).observe($('near'));
  }
  // drag goes to the step under the pointer; dragging on marks a stretch where that is wanted.
  function drag(g, stepAt, marks) {
    let start = null;
    const step = (e) => { const r = g.getBoundingClientRect(); return stepAt(e.clientX - r.left, r.width); };
    g.addEventListener('pointerdown', (e) => { g.setPointerCapture(e.pointerId); start = step(e); mark = null; go(start); });
    g.addEventListener('pointermove', (e) => {
      if (start === null) { return; }
      if (marks && step(e) !== start) { const [a, b] = limits(); mark = Math.min(Math.max(start, a), b - 1); }
      go(step(e));
    });
    ['pointerup', 'pointercancel'].forEach((name) => g.addEventListener(name, () => { start = null; }));
  }
  function keyOf(e) { return e.key.length === 1 ? e.key.toUpperCase() : e.key; }
  function keydown(e) {
    if (document.querySelector('dialog[open]') || e.target.tagName === 'SELECT' || e.altKey) { return; }
    const key = keyOf(e);
    let act;
    if (e.ctrlKey || e.metaKey) {
      act = { Z: e.shiftKey ? acts.redo : acts.undo, Y: acts.redo }[key];
    } else if (e.target.tagName === 'BUTTON' && (key === ' ' || key === 'Enter')) {
      return; // the button's own
    } else {
      act = {
        ArrowLeft: e.shiftKey ? acts.back10 : acts.back, ArrowRight: e.shiftKey ? acts.on10 : acts.on, ArrowUp: () => choose(who - 1), ArrowDown: () => choose(who + 1),
        Home: () => go(limits()[0]), End: () => go(limits()[1] - 1), PageUp: () => toWindow(win - 1), PageDown: () => toWindow(win + 1), ' ': play, Enter: acts.mark,
        Escape: () => { mark = null; draw(); }, Delete: acts.erase, Backspace: acts.erase, E: acts.extend, X: acts.split, N: acts.next, V: propose, '?': () => $('help').showModal()
      }[key];
      for (const k of lesson.kinds) {
        const label = lesson.values[k].find((v) => word(k, v)[0] === key);
        if (label !== undefined) { act = () => { if (!e.repeat) { press(k, label); } }; }
      }
    }
    if (act) {
      e.preventDefault();
      act();
    }
  }
  async function follow() {
    while (!decoded.ended) {
      try { decoded = await (await fetch('progress')).json(); } catch (e) { alarm('The program does not answer. Start classlens label again and open the new address.'); return; }
      draw();
      await new Promise((done) => setTimeout(done, 500));
    }
  }
  async function start() {
    try {
      [lesson, now] = await Promise.all(['lesson', 'labels'].map(async (name) => (await fetch(name)).json()));
    } catch (e) { return alarm('The program does not answer. Start classlens label again and open the new address.'); }
    build();
    count();
    if (lesson.windows) { toWindow(0); } else { go(Math.max(0, student().boxes.findIndex(Boolean))); }
    follow();
    document.body.dataset.ready = '1';
  }
  start();
})();
