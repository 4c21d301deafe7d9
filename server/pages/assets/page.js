// Pages work without this script. It adds buttons that copy code, and keeps the
// language that the reader has chosen in one group of tabs for all of them.

// Browsers let only secure pages write to the clipboard. Responses are not
// copied.
if (navigator.clipboard) {
  for (const block of document.querySelectorAll('.code:not(:has(.language-json, .language-http))')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(block.querySelector('code').textContent.trimEnd());
      button.textContent = 'Copied';
      setTimeout(() => (button.textContent = 'Copy'), 2000);
    });
    block.querySelector('pre').prepend(button);
  }
}

const tabs = document.querySelectorAll('.tabs > input');

// choose selects a language in every group that has it.
function choose(language) {
  for (const tab of tabs) if (tab.value === language) tab.checked = true;
}

// Browsers may forbid storage; the choice then lasts for the page.
const storage = (use) => { try { return use(localStorage); } catch { return null; } };

for (const tab of tabs) {
  tab.addEventListener('change', () => {
    const before = tab.getBoundingClientRect().top;
    choose(tab.value);
    scrollBy(0, tab.getBoundingClientRect().top - before); // groups above may have changed their height
    storage((s) => s.setItem('language', tab.value));
  });
}
choose(storage((s) => s.getItem('language')));
