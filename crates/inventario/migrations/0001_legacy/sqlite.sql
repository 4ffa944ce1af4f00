CREATE TABLE roles (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  nombre VARCHAR(50) NOT NULL UNIQUE
);
CREATE TABLE categorias (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  nombre VARCHAR(100) NOT NULL UNIQUE
);
CREATE TABLE usuarios (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  nombre VARCHAR(120) NOT NULL,
  email VARCHAR(190) NOT NULL UNIQUE COLLATE NOCASE,
  password VARCHAR(255) NOT NULL,
  rol_id INTEGER NOT NULL DEFAULT 2 REFERENCES roles (id),
  creado_en TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE activos (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  categoria_id INTEGER REFERENCES categorias (id),
  nombre VARCHAR(255) NOT NULL,
  marca VARCHAR(100),
  modelo VARCHAR(100),
  numero_serie VARCHAR(120) NOT NULL UNIQUE COLLATE NOCASE,
  estado VARCHAR(50) DEFAULT 'Activo',
  ubicacion VARCHAR(150),
  responsable VARCHAR(150),
  proveedor VARCHAR(150),
  fecha_compra DATE,
  precio_usd DECIMAL(10,2),
  notas TEXT,
  bitlocker TEXT DEFAULT 'unknown' CHECK (bitlocker IN ('enabled', 'disabled', 'unknown')),
  especificaciones {ESPECIFICACIONES},
  creado_en TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  actualizado_en TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_activos_categoria ON activos (categoria_id);
CREATE INDEX idx_activos_estado ON activos (estado);
CREATE TABLE mantenimientos (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  activo_id INTEGER NOT NULL REFERENCES activos (id),
  usuario_id INTEGER NOT NULL REFERENCES usuarios (id),
  tipo TEXT NOT NULL CHECK (tipo IN ('preventivo', 'correctivo', 'emergencia')),
  titulo VARCHAR(200) NOT NULL,
  descripcion TEXT,
  estado VARCHAR(40) DEFAULT 'programado',
  fecha_programada DATETIME,
  fecha_realizada DATETIME,
  observaciones TEXT,
  costo FLOAT,
  creado_en TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_mant_activo ON mantenimientos (activo_id, fecha_programada);
CREATE VIEW activos_por_estado AS SELECT estado, COUNT(*) AS cuenta FROM activos GROUP BY estado;
CREATE TRIGGER trg_activos_serie AFTER INSERT ON activos WHEN NEW.numero_serie <> trim(NEW.numero_serie)
BEGIN
  UPDATE activos SET numero_serie = trim(NEW.numero_serie) WHERE id = NEW.id;
END;
