CREATE TABLE `roles` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `nombre` varchar(50) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `nombre` (`nombre`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `categorias` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `nombre` varchar(100) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `nombre` (`nombre`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `usuarios` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `nombre` varchar(120) NOT NULL,
  `email` varchar(190) NOT NULL,
  `password` varchar(255) NOT NULL,
  `rol_id` int(11) NOT NULL DEFAULT 2,
  `creado_en` timestamp NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `email` (`email`),
  KEY `fk_usuarios_rol` (`rol_id`),
  CONSTRAINT `fk_usuarios_rol` FOREIGN KEY (`rol_id`) REFERENCES `roles` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `activos` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `categoria_id` int(11) DEFAULT NULL,
  `nombre` varchar(255) NOT NULL,
  `marca` varchar(100) DEFAULT NULL,
  `modelo` varchar(100) DEFAULT NULL,
  `numero_serie` varchar(120) NOT NULL,
  `estado` varchar(50) DEFAULT 'Activo',
  `ubicacion` varchar(150) DEFAULT NULL,
  `responsable` varchar(150) DEFAULT NULL,
  `proveedor` varchar(150) DEFAULT NULL,
  `fecha_compra` date DEFAULT NULL,
  `precio_usd` decimal(10,2) DEFAULT NULL,
  `notas` text DEFAULT NULL,
  `bitlocker` enum('enabled','disabled','unknown') DEFAULT 'unknown',
  `especificaciones` {ESPECIFICACIONES},
  `creado_en` timestamp NOT NULL DEFAULT current_timestamp(),
  `actualizado_en` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `numero_serie` (`numero_serie`),
  KEY `idx_activos_categoria` (`categoria_id`),
  KEY `idx_activos_estado` (`estado`),
  CONSTRAINT `fk_activos_categoria` FOREIGN KEY (`categoria_id`) REFERENCES `categorias` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `mantenimientos` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `activo_id` int(11) NOT NULL,
  `usuario_id` int(11) NOT NULL,
  `tipo` enum('preventivo','correctivo','emergencia') NOT NULL,
  `titulo` varchar(200) NOT NULL,
  `descripcion` text DEFAULT NULL,
  `estado` varchar(40) DEFAULT 'programado',
  `fecha_programada` datetime DEFAULT NULL,
  `fecha_realizada` datetime DEFAULT NULL,
  `observaciones` text DEFAULT NULL,
  `costo` float DEFAULT NULL,
  `creado_en` timestamp NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  KEY `idx_mant_activo` (`activo_id`,`fecha_programada`),
  KEY `fk_mant_usuario` (`usuario_id`),
  CONSTRAINT `fk_mant_activo` FOREIGN KEY (`activo_id`) REFERENCES `activos` (`id`),
  CONSTRAINT `fk_mant_usuario` FOREIGN KEY (`usuario_id`) REFERENCES `usuarios` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE VIEW `activos_por_estado` AS SELECT `estado`, COUNT(*) AS `cuenta` FROM `activos` GROUP BY `estado`;
