/** The title of the tab: what the page is called, and what is more urgent than that. */

class Title {
  constructor() {
    this.usual = document.title;
    this.urgent = (/** @type {string} */ usual) => usual;
  }

  /** @param {string} usual */
  call(usual) {
    this.usual = usual;
    this.show();
  }

  show() {
    const text = this.urgent(this.usual);
    if (document.title !== text) document.title = text;
  }
}

export const title = new Title();
