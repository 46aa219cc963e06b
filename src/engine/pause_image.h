/* The image of the pause container, made at build time: one layer with pause.c's program, for the
 * architecture that davit itself runs on. Its tag follows from its content, so that another program is
 * another image. */
#pragma once

#include "engine/engine.h"

extern const struct engine_archive pause_image;
