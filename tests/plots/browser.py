# SPDX-License-Identifier: MIT
"""A headless Chromium that opens a page from disk, driven by WebDriver with the standard
library.

    with browser.Browser() as page:
        page.open(path, width=320, dark=True)
        page.run("return document.title")
        page.press("Tab", "Space")
        page.errors(), page.requests()

It has no network: every host name fails.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") \
    or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

#: Why there is no browser, or ""
MISSING = "" if CHROMIUM and DRIVER else \
    "no Chromium with chromedriver (harness/packages/install page)"

DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Space": " ", "Shift": "\ue008",
        "Escape": "\ue00c", "Down": "\ue015", "Right": "\ue014"}


class Browser:
    def __enter__(self):
        self.home = tempfile.TemporaryDirectory()
        self.driver = subprocess.Popen(
            [DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, env={**os.environ, "HOME": self.home.name})
        self.address = f"http://127.0.0.1:{self._port()}"
        try:
            self.session = f"/session/{self._start()['sessionId']}"
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if hasattr(self, "session"):
            self._send("DELETE", self.session)
        self.driver.terminate()
        self.driver.wait(30)
        self.driver.stdout.close()
        self.home.cleanup()

    def _port(self):
        for line in self.driver.stdout:
            found = re.search(r"successfully on port (\d+)", line)
            if found:
                return int(found[1])
        raise RuntimeError("chromedriver did not start")

    def _start(self):
        options = {"binary": CHROMIUM, "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--force-device-scale-factor=1", "--disable-dev-shm-usage",
            "--disable-component-update", "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={self.home.name}/profile"]}
        return self._send("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})

    def _send(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data=data, method=method,
            headers={"Content-Type": "application/json"})
        with DIRECTLY.open(request, timeout=100) as answer:
            return json.load(answer)["value"]

    def _post(self, path, **body):
        return self._send("POST", self.session + path, body)

    def devtools(self, command, **parameters):
        return self._post("/goog/cdp/execute", cmd=command, params=parameters)

    # ------------------------------------------------------------------ the page

    def open(self, path, hash="", width=1200, height=900, dark=False, scripts=True,
             media="screen"):
        """Loads the page anew, even if only the fragment differs"""
        self._post("/url", url="about:blank")
        self.errors(), self.requests()  # of before
        self.devtools("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.devtools("Emulation.setDeviceMetricsOverride", width=width,
                      height=height, deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia", media=media, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self._post("/url", url=pathlib.Path(path).resolve().as_uri() + hash)

    def run(self, script, *arguments):
        """Returns what the script returns"""
        return self._post("/execute/sync", script=script, args=list(arguments))

    def until(self, script, patience_s=20):
        """Waits until the script returns a true value"""
        end = time.monotonic() + patience_s
        while not (found := self.run(script)):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.05)
        return found

    def press(self, *keys):
        """Presses keys in turn; 'Shift+Tab' together"""
        actions = []
        for key in keys:
            names = [KEYS.get(name, name) for name in key.split("+")]
            actions += [{"type": "keyDown", "value": name} for name in names]
            actions += [{"type": "keyUp", "value": name} for name in names[::-1]]
        self._post("/actions", actions=[{"type": "key", "id": "keyboard",
                                         "actions": actions}])

    def address_of(self):
        return self._send("GET", self.session + "/url")

    def screenshot(self, path, whole=False):
        size = {}
        if whole:
            box = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
            size = {"captureBeyondViewport": True,
                    "clip": {**box, "scale": 1}}
        data = self.devtools("Page.captureScreenshot", format="png", **size)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def pdf(self, path):
        data = self.devtools("Page.printToPDF", printBackground=True,
                             preferCSSPageSize=True)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    # ------------------------------------------------------------------------ logs

    def errors(self):
        """Messages of the console, of all levels"""
        return [entry["message"] for entry in self._post("/se/log", type="browser")]

    def requests(self):
        """Addresses requested since the page was opened, except data:"""
        found = []
        for entry in self._post("/se/log", type="performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return [url for url in found if not url.startswith("data:")]
