// Keys, live news and the preview. Every page works without it.
"use strict";

(() => {
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (element) => element.offsetParent !== null || element.getClientRects().length > 0;

  // Keys: an element says its own in data-key; pressing it is clicking the element.

  const writing = (target) =>
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

  const pressed = (event) => (event.ctrlKey || event.metaKey ? `Ctrl+${event.key}` : event.key);

  const press = (element) => {
    const id = (element.getAttribute("href") || "").match(/^#(.+)$/);
    if (id) {
      const place = document.getElementById(id[1]);
      place.scrollIntoView({ block: "start" });
      place.focus({ preventScroll: true });
    } else if (element.tagName === "SUMMARY") {
      element.parentElement.open = !element.parentElement.open;
      const first = find("input:not([type=hidden]), textarea, button", element.parentElement.lastElementChild);
      if (element.parentElement.open && first) first.focus();
    } else {
      element.click();
    }
  };

  const rows = () => all("[data-rows] .row");

  const choose = (step) => {
    const list = rows();
    if (!list.length) return;
    const now = list.findIndex((row) => row.classList.contains("chosen"));
    const next = Math.min(Math.max(now + step, 0), list.length - 1);
    list.forEach((row, place) => row.classList.toggle("chosen", place === next));
    find("a", list[next]).focus();
  };

  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.altKey || event.isComposing) return;
    const dialog = find("#keys");
    if (dialog && dialog.open) return;
    const key = pressed(event);
    if (key === "Escape") {
      const open = all("details.up[open]");
      if (open.length) {
        open.forEach((details) => {
          details.open = false;
          find("summary", details).focus();
        });
        return;
      }
    }
    if (writing(event.target) && !key.startsWith("Ctrl+") && key !== "Escape") return;
    if (key === "Escape" && writing(event.target)) {
      event.target.blur();
      return;
    }
    if (key === "?" && dialog) {
      event.preventDefault();
      dialog.showModal();
      return;
    }
    if (rows().length && (key === "j" || key === "k")) {
      event.preventDefault();
      choose(key === "j" ? 1 : -1);
      return;
    }
    const field = find(`[data-focus="${CSS.escape(key)}"]`);
    if (field) {
      event.preventDefault();
      field.focus();
      return;
    }
    const element = all("[data-key]").find((one) => one.dataset.key === key && !one.disabled && (seen(one) || key.length === 1));
    if (element) {
      event.preventDefault();
      press(element);
    }
  });

  all("[data-keys]").forEach((link) =>
    link.addEventListener("click", (event) => {
      event.preventDefault();
      find("#keys").showModal();
    }),
  );

  // A form is sent once; the page says that something is under way.

  all("form").forEach((form) =>
    form.addEventListener("submit", (event) => {
      if (form.method === "dialog") return;
      document.body.classList.add("busy");
      if (form.method !== "post") return;
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
      form.setAttribute("aria-busy", "true");
    }),
  );
  window.addEventListener("pageshow", () => {
    document.body.classList.remove("busy");
    all("form").forEach((form) => {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    });
  });

  // How long a decision can be undone.

  all("[data-until]").forEach((button) => {
    const until = Date.parse(button.dataset.until);
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      find("[data-left]", button).textContent = left > 0 ? `${left} s` : "";
      if (left <= 0) button.disabled = true;
      else setTimeout(tick, 1000);
    };
    tick();
  });

  // News: how many wait, and whether somebody else changed this draft.

  const toast = (text, label) => {
    const place = find("[data-toast]");
    if (!place || place.textContent.startsWith(text)) return;
    place.replaceChildren(text + " ");
    const link = document.createElement("a");
    link.href = window.location.pathname.replace(/\/(approve|reject|claim|release|undo|choose|anew|look|retry|drop)$/, "") + window.location.search;
    link.textContent = label;
    place.append(link);
    place.hidden = false;
  };

  const live = document.body.dataset.live;
  const draft = find("[data-draft]");
  if (live && window.EventSource) {
    const stream = new EventSource(draft ? `${live}?draft=${draft.dataset.draft}` : live);
    let first = null;
    stream.onmessage = (message) => {
      const news = JSON.parse(message.data);
      all("[data-waiting]").forEach((count) => {
        count.textContent = news.waiting;
        count.hidden = false;
      });
      if (first === null) first = news.waiting;
      const fresh = find("[data-fresh]");
      if (fresh && news.waiting !== first) fresh.hidden = false;
      if (!draft || !news.state) return;
      const same = news.state === draft.dataset.state && String(news.revision) === draft.dataset.revision;
      const claimed = news.claimed_by !== draft.dataset.claimed && news.claimed_by && news.claimed_by !== draft.dataset.me;
      if (!same) toast(`${draft.dataset.changed} ${news.who}`, draft.dataset.reload);
      else if (claimed) toast(`${draft.dataset.taken} ${news.claimed_by}`, draft.dataset.reload);
    };
    window.addEventListener("pagehide", () => stream.close());
  }

  // The preview follows the text.

  const text = find("[data-preview]");
  if (text) {
    const token = find('input[name="token"]', text.form).value;
    let waiting = 0;
    let number = 0;
    const show = async () => {
      const mine = ++number;
      const body = new URLSearchParams({ reply: text.value, token });
      const answer = await fetch(text.dataset.preview, { method: "POST", body });
      if (answer.ok && mine === number) find("#preview").innerHTML = await answer.text();
    };
    text.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(show, 250);
    });
  }
})();
