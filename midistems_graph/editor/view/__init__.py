"""The window of the editor: draws what the model says, hands on what people do. The only importer of dearpygui.

Every call of Dear PyGui happens on the main thread, between `Window.open` and `Window.close`; other threads post
jobs (`jobs.Jobs`). Ids of Dear PyGui stay in here, everybody else uses the ids of the scene.
"""
