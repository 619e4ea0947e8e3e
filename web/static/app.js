// What makes pages nicer where scripts run. Every page works without.
"use strict";

const all = (selector, act) =>
	document.querySelectorAll(selector).forEach(act);

// The summary of errors is what one wants to read first.
all("#errors", (errors) => errors.focus());

all("[data-show]", (button) => {
	const input = document.getElementById(button.dataset.show);
	const show = button.textContent;

	button.hidden = false;
	button.setAttribute("aria-pressed", "false");
	button.addEventListener("click", () => {
		const shown = input.type === "password";

		input.type = shown ? "text" : "password";
		button.textContent = shown ? button.dataset.hide : show;
		button.setAttribute("aria-pressed", String(shown));
	});
	// Browsers remember what is in a text field.
	input.form.addEventListener("submit", () => {
		input.type = "password";
	});
});

// What appears while a button is pressed would move the button away from under
// the finger, and nothing would be clicked.
let pressed = false;
let afterwards = [];

document.addEventListener("pointerdown", () => {
	pressed = true;
}, true);
["pointerup", "pointercancel"].forEach((name) =>
	document.addEventListener(name, () => {
		const acts = afterwards;

		pressed = false;
		afterwards = [];
		setTimeout(() => acts.forEach((act) => act()));
	}, true));

// What is wrong with what is being typed, or "".
function complaint(input) {
	const {pattern, sayPattern, min, sayShort, same, saySame} = input.dataset;
	const value = input.value;

	if (value === "") {
		return "";
	}
	if (pattern && !new RegExp("^(?:" + pattern + ")$").test(value)) {
		return sayPattern;
	}
	if (min && [...value].length < Number(min)) {
		return sayShort;
	}
	if (same && document.getElementById(same).value !== value) {
		return saySame;
	}
	return "";
}

all("[data-min], [data-pattern], [data-same]", (input) => {
	const live = document.getElementById(input.id + "-live");
	let left = false;

	const look = () => {
		const text = complaint(input);

		// Nobody is told off for not having finished: but who is shown
		// a complaint sees it go.
		if (left || text === input.dataset.sayPattern || text === "") {
			live.textContent = text;
		}
	};
	input.addEventListener("input", look);
	input.addEventListener("change", () => {
		left = true;
		if (pressed) {
			afterwards.push(look);
		} else {
			look();
		}
	});
	if (input.dataset.same) {
		document.getElementById(input.dataset.same)
			.addEventListener("input", look);
	}
});

all("[data-preview]", (preview) => {
	const input = document.getElementById(preview.dataset.preview);
	const name = preview.querySelector("[data-preview-name]");

	const look = () => {
		// Capital letters are the same name.
		const small = input.value.toLowerCase();

		if (input.value !== small) {
			const at = input.selectionStart;

			input.value = small;
			input.setSelectionRange(at, at);
		}
		name.textContent = small;
		preview.hidden = small === "" ||
			complaint(input) === input.dataset.sayPattern;
	};
	// Before the input is looked at.
	input.addEventListener("input", look, true);
	look();
});

all("[data-confirm]", (input) => {
	const button = input.form.querySelector(".danger");
	const look = () => {
		button.disabled = input.value.trim().toLowerCase() !==
			input.dataset.confirm.toLowerCase();
	};
	input.addEventListener("input", look);
	look();
});

all("[data-print]", (button) => {
	button.hidden = false;
	button.addEventListener("click", () => window.print());
});

// A menu that is left closes.
all("details.menu", (menu) => {
	document.addEventListener("click", (event) => {
		if (!menu.contains(event.target)) {
			menu.open = false;
		}
	});
	menu.addEventListener("keydown", (event) => {
		if (event.key === "Escape" && menu.open) {
			menu.open = false;
			menu.querySelector("summary").focus();
		}
	});
});

// The window page. The server says texts; numbers go to the bar. Screen readers
// are told at each quarter.
all("[data-state]", (waiting) => {
	const progress = waiting.querySelector("progress");
	const text = waiting.querySelector("[data-progress-text]");
	const said = document.querySelector("[data-progress-said]");
	let quarter = Math.floor(progress.value / 25);
	let pause = 1000;

	const ask = async () => {
		try {
			const answer = await fetch(waiting.dataset.url, {
				headers: {Accept: "application/json"},
				cache: "no-store", redirect: "error"
			});
			const news = await answer.json();

			if (!answer.ok) {
				throw new Error(String(answer.status));
			}
			if (news.state !== waiting.dataset.state) {
				location.reload();
				return;
			}
			if (news.total > 0) {
				progress.value = news.percent;
			}
			text.textContent = news.text;
			if (Math.floor(news.percent / 25) !== quarter) {
				quarter = Math.floor(news.percent / 25);
				said.textContent = news.text;
			}
			pause = 1000;
		} catch {
			// Not there for a moment: less often, then.
			pause = Math.min(pause * 2, 30000);
		}
		setTimeout(ask, pause);
	};
	setTimeout(ask, pause);
});
