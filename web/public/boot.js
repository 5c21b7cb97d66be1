// SPDX-License-Identifier: Apache-2.0
// Before the first paint: the theme and the language that this person chose.
(function () {
  var root = document.documentElement;
  try {
    var theme = localStorage.getItem('khue.theme');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    var lang = localStorage.getItem('khue.lang');
    if (lang === 'en') root.lang = 'en';
  } catch (e) {
    /* storage is off: the defaults hold */
  }
})();
