CREATE TRIGGER trg_activos_serie BEFORE INSERT ON activos FOR EACH ROW SET NEW.numero_serie = TRIM(NEW.numero_serie)
--
CREATE PROCEDURE `baja_activo`(IN p_id INT)
BEGIN UPDATE activos SET estado='De baja' WHERE id=p_id; INSERT INTO mantenimientos(activo_id,usuario_id,tipo,titulo,estado) VALUES (p_id,1,'correctivo','Baja; definitiva','realizado'); END
